import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryLedger } from '#content/ledger.ts';

test('bytes add up by source', () => {
	const ledger = memoryLedger();
	ledger.add('root', { kind: 'peer', name: 'a' }, 10);
	ledger.add('root', { kind: 'peer', name: 'a' }, 5);
	ledger.add('root', { kind: 'origin', name: 'a' }, 1);
	assert.deepEqual(ledger.of('root'), [
		{ kind: 'peer', name: 'a', bytes: 15 },
		{ kind: 'origin', name: 'a', bytes: 1 },
	]);
	assert.deepEqual(ledger.of('another'), []);
});

test('the ledger forgets the oldest contents rather than grow without end', () => {
	const ledger = memoryLedger();
	for (let root = 0; root < 10_000; root++) ledger.add(`root-${root}`, { kind: 'local', name: 'local' }, 1);
	assert.deepEqual(ledger.of('root-0'), []);
	assert.equal(ledger.of('root-9999').length, 1);
});
