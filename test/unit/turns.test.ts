import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTurns, type Turn, type Turns } from '#exchange/turns.ts';

const never = new AbortController().signal;

function take(turns: Turns, { onWanted = () => {}, signal = never } = {}): Promise<Turn> {
	return turns.take({ onWanted, signal });
}

test('turns go to those who wait in the order they came, never more than there are, once for each given back', async () => {
	const turns = createTurns(2);
	const [first, second] = [await take(turns), await take(turns)];
	const came: string[] = [];
	const waiting = ['a', 'b', 'c'].map(async (name) => {
		const turn = await take(turns);
		came.push(name);
		return turn;
	});
	first.giveBack();
	first.giveBack();
	const a = await waiting[0];
	assert.deepEqual(came, ['a']);
	second.giveBack();
	a?.giveBack();
	await Promise.all(waiting);
	assert.deepEqual(came, ['a', 'b', 'c']);
});

test('whoever has a turn is told of each that joins the line, and sees when enough turns are ending', async () => {
	const turns = createTurns(2);
	let told = 0;
	const first = await take(turns, { onWanted: () => told++ });
	const second = await take(turns);
	assert.deepEqual([told, second.isWanted()], [0, false]);
	const third = take(turns);
	assert.deepEqual([told, second.isWanted()], [1, true]);
	first.ending();
	assert.equal(second.isWanted(), false);
	const fourth = take(turns);
	assert.deepEqual([told, second.isWanted()], [2, true]);
	first.giveBack();
	(await third).giveBack();
	assert.equal((await fourth).isWanted(), false);
});

test('who leaves the line takes no turn, and one whose signal has fired does not join it', async () => {
	const turns = createTurns(1);
	const first = await take(turns);
	const leaving = new AbortController();
	const gone = take(turns, { signal: leaving.signal });
	const next = take(turns);
	leaving.abort(new Error('no more'));
	await assert.rejects(gone, /no more/);
	await assert.rejects(take(turns, { signal: leaving.signal }), /no more/);
	first.giveBack();
	assert.equal((await next).isWanted(), false);
});
