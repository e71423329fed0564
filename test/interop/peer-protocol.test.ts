/** The bytes of the peer protocol, which may never change within a version: nodes of all ages speak to each other. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LogVector } from '#catalogue/ports.ts';
import { BLOCKS_PROTOCOL } from '#exchange/protocols/blocks/constants.ts';
import {
	decodeAnswerHeader,
	decodeOpen,
	decodeOpenAnswer,
	decodeRequest,
	encodeAnswerHeader,
	encodeOpen,
	encodeOpenAnswer,
	encodeRequest,
} from '#exchange/protocols/blocks/messages.ts';
import { HELLO_PROTOCOL } from '#exchange/protocols/hello/constants.ts';
import { decodeHello, encodeHello, type HelloMessage } from '#exchange/protocols/hello/messages.ts';
import { RECORDS_PROTOCOL } from '#exchange/protocols/records/constants.ts';
import { decodeBatch, decodeHave, encodeBatch, encodeHave } from '#exchange/protocols/records/messages.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

function golden<T>(
	name: string,
	value: T,
	text: string,
	encode: (value: T) => Uint8Array,
	decode: (bytes: Uint8Array) => T,
): void {
	test(`${name} is ${text.length / 2} bytes that stay as they are`, () => {
		assert.equal(hex(encode(value)), text);
		assert.deepEqual(decode(bytes(text)), value);
	});
}

test('protocols keep their names', () => {
	assert.deepEqual(
		[HELLO_PROTOCOL, RECORDS_PROTOCOL, BLOCKS_PROTOCOL],
		['/sundog/hello/1', '/sundog/records/1', '/sundog/blocks/1'],
	);
});
golden(
	'a greeting with a certificate',
	{ type: 'greeting', certificate: 'a.b.c' } as HelloMessage,
	'a26474797065686772656574696e676b636572746966696361746565612e622e63',
	encodeHello,
	decodeHello,
);
golden(
	'a greeting with a token',
	{ type: 'greeting', token: 'sundog1.f.s.x' } as HelloMessage,
	'a26474797065686772656574696e6765746f6b656e6d73756e646f67312e662e732e78',
	encodeHello,
	decodeHello,
);
golden(
	'a welcome',
	{ type: 'welcome', certificate: 'a.b.c' } as HelloMessage,
	'a264747970656777656c636f6d656b636572746966696361746565612e622e63',
	encodeHello,
	decodeHello,
);
golden(
	'a welcome that renews',
	{ type: 'welcome', certificate: 'a.b.c', issued: 'd.e.f' } as HelloMessage,
	'a364747970656777656c636f6d656669737375656465642e652e666b636572746966696361746565612e622e63',
	encodeHello,
	decodeHello,
);
golden('settled', { type: 'settled' } as HelloMessage, 'a1647479706567736574746c6564', encodeHello, decodeHello);
golden(
	'settled that renews',
	{ type: 'settled', issued: 'd.e.f' } as HelloMessage,
	'a2647479706567736574746c65646669737375656465642e652e66',
	encodeHello,
	decodeHello,
);
golden(
	'refused',
	{ type: 'refused', refusal: { code: 'forbidden', reason: 'no' } } as HelloMessage,
	'a364636f646569666f7262696464656e6474797065677265667573656466726561736f6e626e6f',
	encodeHello,
	decodeHello,
);
golden(
	'open',
	'bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi',
	'a264726f6f74783b62616679626569676479727a74357366703775646d37687537367568377932366e6633656675796c71616266336f636c67747179353566627a64696474797065646f70656e',
	encodeOpen,
	decodeOpen,
);
golden(
	'accepted',
	{ type: 'accepted', size: 1099511627776, blockSize: 1048576 },
	'a36473697a651b0000010000000000647479706568616363657074656469626c6f636b53697a651a00100000',
	encodeOpenAnswer,
	decodeOpenAnswer,
);
golden(
	'refused by a holder',
	{ type: 'refused', refusal: { code: 'not-found', reason: 'none' } },
	'a364636f6465696e6f742d666f756e646474797065677265667573656466726561736f6e646e6f6e65',
	encodeOpenAnswer,
	decodeOpenAnswer,
);
golden('a request for a block', { kind: 'block', index: 1048575 }, '01000000000fffff', encodeRequest, decodeRequest);
golden('a request for digests', { kind: 'manifest', index: 32768 }, '0200000000008000', encodeRequest, decodeRequest);
golden(
	'the header of a block',
	{ kind: 'block', index: 1048575, length: 1048576 },
	'01000000000fffff00100000',
	encodeAnswerHeader,
	decodeAnswerHeader,
);
golden('missing', { kind: 'missing', index: 3, length: 0 }, '020000000000000300000000', encodeAnswerHeader, decodeAnswerHeader);
golden(
	'the header of digests',
	{ kind: 'manifest', index: 32768, length: 64 },
	'030000000000800000000040',
	encodeAnswerHeader,
	decodeAnswerHeader,
);
golden<LogVector>(
	'a vector',
	new Map([
		['12D3KooWA', 7],
		['12D3KooWB', 4_294_967_296],
	]),
	'a2646c6f6773a269313244334b6f6f57410769313244334b6f6f57421b000000010000000064747970656468617665',
	encodeHave,
	decodeHave,
);
golden<readonly Uint8Array[]>(
	'a batch',
	[Uint8Array.of(1, 2, 3), Uint8Array.of()],
	'a2647479706565626174636867656e7472696573824301020340',
	encodeBatch,
	decodeBatch,
);
golden<readonly Uint8Array[]>('a beat', [], 'a2647479706565626174636867656e747269657380', encodeBatch, decodeBatch);
