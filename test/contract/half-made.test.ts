/** Notes of what is half made in a backend: nothing is left there that nobody knows of, and nothing that is finished is undone. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { codeOf, ImageError } from '#domain/errors.ts';
import { silentLog } from '#lib/log.ts';
import { type HalfMade, type HalfMadeOptions, hasTexts, openHalfMade } from '#store/drivers/half-made.ts';
import { eventually } from '../support/eventually.ts';
import { type LosingDisk, losingDisk, noteFolder } from '../support/losing-disk.ts';
import { temporaryDir } from '../support/temporary-dir.ts';

const { signal } = new AbortController();

interface Thing {
	readonly key: string;
	readonly mark: string;
	readonly failed?: boolean;
}

type Known = string | undefined;
type Options = Partial<HalfMadeOptions<Thing, Known>>;

/** Things by their marks, and what it was asked to take away. */
function backend() {
	const things = new Set<string>();
	const asked: { readonly what: Thing; readonly known: Known }[] = [];
	const parts = {
		things,
		asked,
		isDown: false,
		open: (over: Options & { readonly dir: string }) =>
			openHalfMade<Thing, Known>({
				isWhat: (content): content is Thing => hasTexts(content, 'key', 'mark'),
				async takeAway(what, known) {
					asked.push({ what, known });
					if (parts.isDown) throw new ImageError('unavailable', 'the backend is down');
					things.delete(what.mark);
				},
				log: silentLog,
				...over,
			}),
	};
	return parts;
}

async function scene(t: TestContext, over: Options = {}) {
	const dir = await temporaryDir();
	t.after(() => dir[Symbol.asyncDispose]());
	const parts = backend();
	return { ...parts, parts, dir: dir.path, open: (more: Options = {}) => parts.open({ dir: dir.path, ...over, ...more }) };
}

const thing = (key = 'a'): Thing => ({ key, mark: randomUUID() });

/** The power goes when so many steps have been taken, of the disk, the backend and the upload together. */
function fuse(steps: number) {
	let taken = 0;
	return {
		step() {
			if (taken >= steps) throw new Error('the power is gone');
			taken += 1;
		},
		get isBurnt() {
			return taken >= steps;
		},
	};
}

/** Everything that may have become of one upload after a loss of power, by a node that has come back. */
async function afterPowerLoss(
	steps: number,
	upload: (halfMade: HalfMade<Thing, Known>, parts: ReturnType<typeof backend>, step: () => void) => Promise<void>,
) {
	const { step } = fuse(steps);
	const parts = backend();
	const disk = losingDisk(step);
	await (async () => upload(await parts.open({ dir: noteFolder, disk }), parts, step))().catch(() => undefined);
	return { parts, disks: disk.afterLoss() };
}

/** A node that comes back on such a disk. */
async function comeBack(parts: ReturnType<typeof backend>, disk: LosingDisk, over: Options = {}): Promise<LosingDisk> {
	await using _ = await parts.open({ dir: noteFolder, disk, ...over });
	return disk;
}

describe('what is half made', () => {
	it('is gone after a loss of power at any step, unless it was finished before: then it stays', async () => {
		let seen = 0;
		for (let steps = 0; ; steps += 1) {
			const what = thing();
			let ending = false;
			let acknowledged = false;
			const { parts, disks } = await afterPowerLoss(steps, async (halfMade, { things }, step) => {
				const note = await halfMade.begin(what);
				step();
				things.add(what.mark);
				await note.change({ ...what, failed: false });
				step();
				ending = true;
				await note.end();
				step();
				acknowledged = true;
			});
			const wasThere = parts.things.has(what.mark);
			for (const disk of disks) {
				if (wasThere) parts.things.add(what.mark);
				const after = await comeBack(parts, disk);
				if (acknowledged) assert.ok(parts.things.has(what.mark), `finished, and undone after step ${steps}`);
				else if (!ending) assert.ok(!parts.things.has(what.mark), `left behind after step ${steps}`);
				assert.deepEqual(after.names(), [], `after step ${steps}`);
				seen += 1;
			}
			if (acknowledged) break;
		}
		assert.ok(seen > 50, `only ${seen} states were looked at`);
	});

	it('that failed while the backend was down is gone after a loss of power at any step, and its note said that it failed', async () => {
		for (let steps = 0; ; steps += 1) {
			const what = thing();
			let undone = false;
			const { parts, disks } = await afterPowerLoss(steps, async (halfMade, its, step) => {
				const note = await halfMade.begin(what);
				step();
				its.things.add(what.mark);
				step();
				its.isDown = true;
				await note.undo('ours', { ...what, failed: true });
				step();
				undone = true;
			});
			parts.isDown = false;
			const wasThere = parts.things.has(what.mark);
			for (const disk of disks) {
				if (wasThere) parts.things.add(what.mark);
				parts.asked.length = 0;
				const after = await comeBack(parts, disk);
				assert.ok(!parts.things.has(what.mark), `left behind after step ${steps}`);
				if (undone) assert.deepEqual(parts.asked, [{ what: { ...what, failed: true }, known: undefined }]);
				assert.deepEqual(after.names(), []);
			}
			if (undone) break;
		}
	});

	it('is gone also when the power goes again and again while it is taken away', async () => {
		const what = thing();
		const { parts, disks } = await afterPowerLoss(Number.POSITIVE_INFINITY, async (halfMade, { things }) => {
			await halfMade.begin(what);
			things.add(what.mark);
		});
		assert.equal(disks.length, 1);
		for (let steps = 0; ; steps += 1) {
			parts.things.add(what.mark);
			const power = fuse(steps);
			const copy = await afterSteps(what, power.step);
			await comeBack(parts, copy).catch(() => undefined);
			for (const disk of copy.afterLoss()) {
				await comeBack(parts, disk);
				assert.ok(!parts.things.has(what.mark));
				assert.deepEqual(disk.names(), []);
			}
			if (!power.isBurnt) break;
		}
	});

	it('does not begin when it cannot be noted, and is undone when its note cannot be removed', async () => {
		let refused = false;
		const disk = losingDisk(() => {
			if (refused) throw new Error('the disk is broken');
		});
		const parts = backend();
		await using halfMade = await parts.open({ dir: noteFolder, disk });
		refused = true;
		await assert.rejects(halfMade.begin(thing()), /broken/);
		refused = false;
		const what = thing();
		const note = await halfMade.begin(what);
		parts.things.add(what.mark);
		refused = true;
		await assert.rejects(note.end(), /broken/);
		await note.undo('ours');
		assert.ok(!parts.things.has(what.mark));
		refused = false;
		await halfMade.settleAll(signal);
		assert.deepEqual(disk.names(), []);
	});

	it('is not looked for by a note that was cut, and a note of unknown form is left alone', async (t) => {
		const { asked, dir, open } = await scene(t);
		const unknown = `${randomUUID()}.json`;
		await writeFile(join(dir, `${randomUUID()}.json`), '{"key":"a","ma');
		await writeFile(join(dir, `${randomUUID()}.json`), '');
		await writeFile(join(dir, `${randomUUID()}.new`), '{"key":"a","mark":"b"}');
		await writeFile(join(dir, unknown), '{"key":"a"}');
		await using _ = await open();
		assert.deepEqual([asked, await readdir(dir)], [[], [unknown]]);
	});

	it('is taken away with what is known of it, and is no thing of others of the same name', async (t) => {
		const { things, asked, dir, open } = await scene(t);
		await using halfMade = await open();
		const [ours, theirs] = [thing(), thing()];
		things.add(theirs.mark);
		const note = await halfMade.begin(ours);
		things.add(ours.mark);
		await note.undo('ours');
		assert.deepEqual([[...things], asked], [[theirs.mark], [{ what: ours, known: 'ours' }]]);
		assert.deepEqual(await readdir(dir), []);
	});

	it('that needs no note is noted only when it cannot be taken away', async (t) => {
		const { parts, things, dir, open } = await scene(t);
		await using halfMade = await open();
		await halfMade.beginUnnoted(thing()).end();
		await halfMade.beginUnnoted(thing()).undo('ours');
		assert.deepEqual(await readdir(dir), []);
		parts.isDown = true;
		const what = thing();
		things.add(what.mark);
		await halfMade.beginUnnoted(what).undo('ours');
		assert.equal((await readdir(dir)).length, 1);
		parts.isDown = false;
		await using _ = await open();
		assert.deepEqual([[...things], await readdir(dir)], [[], []]);
	});

	it('is tried again now and then, not at once, and no more when it is gone', async (t) => {
		t.mock.timers.enable({ apis: ['setTimeout'] });
		const { parts, asked, dir, open } = await scene(t, { retryMs: 1000 });
		await using halfMade = await open();
		parts.isDown = true;
		await (await halfMade.begin(thing())).undo('ours');
		const tried = async (times: number) => {
			// joins the turn that may be under way
			await new Promise(setImmediate);
			assert.equal(asked.length, times);
		};
		t.mock.timers.tick(999);
		await tried(1);
		t.mock.timers.tick(1);
		await tried(2);
		t.mock.timers.tick(1000);
		await tried(3);
		parts.isDown = false;
		t.mock.timers.tick(1000);
		await eventually('the note to be gone', async () => ((await readdir(dir)).length === 0 ? true : undefined));
		t.mock.timers.tick(100_000);
		await tried(4);
	});

	it('waits for a backend that is away once, not once for each, and those that were tried longest ago come first', async (t) => {
		const { parts, asked, open } = await scene(t);
		await using halfMade = await open();
		parts.isDown = true;
		const all = ['a', 'b', 'c'].map(thing);
		for (const what of all) await (await halfMade.begin(what)).undo('ours');
		asked.length = 0;
		for (const what of [...all, all[0]]) {
			await halfMade.settleAll(signal);
			assert.deepEqual(
				asked.splice(0).map((each) => each.what),
				[what],
			);
		}
	});

	it('stands in the way of another of its name only, with a reason, and is taken away once for all who wait', async (t) => {
		const { parts, things, asked, open } = await scene(t);
		await using halfMade = await open();
		parts.isDown = true;
		const [first, second] = [thing('a'), thing('b')];
		for (const what of [first, second]) {
			things.add(what.mark);
			await (await halfMade.begin(what)).undo('ours');
		}
		await halfMade.settle(({ key }) => key === 'c');
		await assert.rejects(
			halfMade.settle(({ key }) => key === 'a'),
			(error: Error) => codeOf(error) === 'unavailable' && /backend is down/.test(error.message),
		);
		parts.isDown = false;
		asked.length = 0;
		const settle = () => halfMade.settle(({ key }) => key === 'a');
		await Promise.all([settle(), settle(), settle()]);
		assert.deepEqual([asked.length, [...things]], [1, [second.mark]]);
	});

	it('is taken away again as long as something may still appear', async (t) => {
		let lingers = Number.POSITIVE_INFINITY;
		const { things, dir, open } = await scene(t, { lingersMs: (_, known) => (known === 'sure' ? 0 : lingers) });
		await using halfMade = await open();
		await (await halfMade.begin(thing())).undo('sure');
		assert.deepEqual(await readdir(dir), []);
		const what = thing();
		await (await halfMade.begin(what)).undo(undefined);
		assert.equal((await readdir(dir)).length, 1);
		things.add(what.mark);
		await halfMade.settleAll(signal);
		assert.ok(!things.has(what.mark));
		lingers = 0;
		await halfMade.settleAll(signal);
		assert.deepEqual(await readdir(dir), []);
	});

	it('does not keep a store from being closed, and stays noted', async (t) => {
		const { promise: reached, resolve: reach } = Promise.withResolvers<void>();
		const { dir, open } = await scene(t, {
			takeAway: (_what, _known, within) => {
				reach();
				return new Promise((_, reject) => within.addEventListener('abort', () => reject(within.reason as Error)));
			},
		});
		const halfMade = await open();
		const undoing = (await halfMade.begin(thing())).undo('ours');
		await reached;
		await halfMade[Symbol.asyncDispose]();
		await undoing;
		assert.equal((await readdir(dir)).length, 1);
	});
});

/** A disk with the note of that thing on it, of which every further step is counted. */
async function afterSteps(what: Thing, step: () => void): Promise<LosingDisk> {
	let counting = false;
	const disk = losingDisk(() => counting && step());
	const halfMade = await backend().open({ dir: noteFolder, disk });
	await halfMade.begin(what);
	counting = true;
	return disk;
}
