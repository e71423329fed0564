/**
 * `npm run demo [-- --file PATH]`: three sites as processes on loopback, one real disk image, and every promise about
 * it kept in front of your eyes. Exit code 0 only when every saved file was the one that was uploaded.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createFleet } from '../test/support/fleet.ts';
import { storesOf } from '../test/support/image-client.ts';
import { bytesBySource } from '../test/support/transfers.ts';
import { type DiskImage, debianImage, givenImage, Missing, qcow2Of } from './demo/disk-image.ts';
import { createScreen, mebibytes } from './demo/screen.ts';
import { createStory, type Deed, sha512Of } from './demo/story.ts';

const SEED_TIMEOUT_MS = 120_000;

const { values } = parseArgs({ options: { file: { type: 'string' }, second: { type: 'string' } } });
const screen = createScreen(process.stdout);

try {
	const held = await play();
	process.stdout.write(held ? '\nEverything held.\n' : '\nNot everything held: see the table.\n');
	process.exitCode = held ? 0 : 1;
} catch (error) {
	process.stderr.write(`\ndemo: ${error instanceof Missing ? error.message : ((error as Error).stack ?? error)}\n`);
	process.exitCode = error instanceof Missing ? 2 : 1;
}

async function play(): Promise<boolean> {
	await using fleet = await createFleet();
	const story = createStory(screen);

	screen.title('A disk image');
	const first = values.file === undefined ? await debianImage(screen.note) : await givenImage(values.file);
	const second = await secondImage(first, fleet.dir);
	for (const image of [first, second])
		screen.note(`${image.name}: ${mebibytes(image.size)}, ${image.diskFormat}, from ${image.origin}`);

	screen.title('The centre starts, and takes the image');
	const centre = await fleet.centre();
	screen.note(`centre serves ${centre.node.http} after ${centre.node.startMs.toFixed(0)} ms`);
	const id = await story.upload(centre, first);

	screen.title('Paris and Oslo join with one-time tokens; Oslo is switched off again');
	const paris = await fleet.join(centre, 'paris');
	const oslo = await fleet.join(centre, 'oslo');
	await oslo.node.stop();
	screen.note(`paris serves ${paris.node.http}, knows the fleet by ${centre.node.peer}`);

	screen.title('Paris saves it: streamed to the client while the blocks arrive, verified, kept');
	await story.save(paris, id, first, 'save, first time');

	screen.title('The centre is stopped, and Paris saves it again');
	await centre.node.stop();
	await story.save(paris, id, first, 'save, centre gone');

	screen.title('Oslo comes back, meets only Paris, and saves it');
	await fleet.revive(oslo, { bootstrap: [paris.node.peer] });
	await story.save(oslo, id, first, 'save, from paris');

	screen.title('A new image at Paris, with the centre still gone');
	const seedId = await story.upload(paris, second);
	await story.save(paris, seedId, second, 'save, centre gone');

	screen.title('The centre is back: it pulls the new image, hashes all of it, and keeps it in its file store');
	const startedAt = performance.now();
	await fleet.revive(centre);
	const seeded = screen.bar('seed the centre', second.size);
	const seeding = await centre.client.until(
		seedId,
		'seeded',
		(image) => {
			bytesBySource(centre.client, seedId).then(
				({ peer }) => seeded.at(peer),
				() => {},
			);
			return ['centre', 'file'].every((store) => storesOf(image).includes(store));
		},
		{ timeoutMs: SEED_TIMEOUT_MS },
	);
	const seconds = (performance.now() - startedAt) / 1000;
	const file = join(centre.node.dataDir, 'images', seedId);
	const equal = (await sha512Of(file)) === (await sha512Of(second.path));
	seeded.done(`${seconds.toFixed(2)} s with the start, stores: ${seeding.stores}`);
	screen.note(`${file} is ${equal ? 'byte-identical' : 'NOT the same'}`);
	story.note({
		node: 'centre',
		image: second.name,
		what: 'seed',
		...(await bytesBySource(centre.client, seedId)),
		seconds,
		equal,
	});
	await story.save(centre, seedId, second, 'save, seeded');

	screen.table(story.deeds().map(row));
	return story.deeds().every((deed) => deed.equal);
}

async function secondImage(first: DiskImage, dir: string): Promise<DiskImage> {
	if (values.second !== undefined) return givenImage(values.second);
	const made = await qcow2Of(first, dir);
	if (made === undefined)
		throw new Missing(
			'qemu-img is not installed, so there is no second image to upload at paris: apt-get install qemu-utils, or give one with --second PATH',
		);
	return made;
}

function row({ node, image, what, local, peer, origin, seconds, equal }: Deed): Readonly<Record<string, string>> {
	return {
		node,
		image,
		'what it did': what,
		local: mebibytes(local),
		peer: mebibytes(peer),
		origin: mebibytes(origin),
		time: `${seconds.toFixed(2)} s`,
		'sha-512': equal ? 'equal' : 'DIFFERS',
	};
}
