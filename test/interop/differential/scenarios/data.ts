/** C: bytes in and out. */
import { randomBytes } from 'node:crypto';
import { admin, alt, demo, keep, reader, type Scenario, scenario } from '../step.ts';

const UPLOADABLE = { disk_format: 'raw', container_format: 'bare' };
const BYTES = randomBytes(300_000);

const RANGES: readonly string[] = [
	'bytes=0-4',
	'bytes=0-0',
	'bytes=9-9',
	'bytes=4-',
	'bytes=4-100',
	'bytes=-2',
	'bytes=-20',
	'bytes=0-',
	'bytes=-0',
	'bytes=10-',
	'bytes=5-2',
	'bytes=-',
	'bytes=a-b',
	'bytes=1-2-3',
	'bytes= 1-2',
	'bytes=',
	'foo',
	'items=0-4',
	'bytes=0-1,3-4',
	'bytes=0-99999999999999999999',
];

const CONTENT_RANGES: readonly string[] = [
	'bytes 1-3/*',
	'bytes 1-3/10',
	'bytes 0-9/10',
	'bytes 1-30/*',
	'bytes 1-30/10',
	'bytes 3-1/10',
	'bytes */10',
	'bytes 1-3',
	'foo',
];

export const data: readonly Scenario[] = [
	scenario(
		'upload and download',
		[53, 60, 63, 65, 66],
		[
			keep('image', demo.post('/v2/images', UPLOADABLE)),
			demo.download('$image'),
			demo.upload('$image', '0123456789'),
			demo.get('/v2/images/$image'),
			demo.download('$image'),
			demo.download('$image', { accept: 'application/json' }),
			reader.download('$image'),
			admin.download('$image'),
			alt.download('$image'),
			demo.download('$missing'),
			demo.download('$image', { 'if-none-match': '*' }),
			demo.download('$image', { 'accept-encoding': 'gzip' }),
		],
	),
	scenario(
		'upload: sizes and encodings',
		[53, 54, 58],
		[
			keep('chunked', demo.post('/v2/images', UPLOADABLE)),
			demo.upload('$chunked', BYTES, { 'transfer-encoding': 'chunked' }),
			demo.get('/v2/images/$chunked'),
			keep('sized', demo.post('/v2/images', UPLOADABLE)),
			demo.upload('$sized', BYTES),
			demo.get('/v2/images/$sized'),
			keep('empty', demo.post('/v2/images', UPLOADABLE)),
			demo.upload('$empty', '', { 'content-length': '0' }),
			demo.get('/v2/images/$empty'),
			demo.download('$empty'),
		],
	),
	scenario(
		'upload: what is refused',
		[53, 55, 57],
		[
			keep('image', demo.post('/v2/images', UPLOADABLE)),
			keep('formless', demo.post('/v2/images', {})),
			demo.ask('PUT', '/v2/images/$image/file', 'x'),
			demo.ask('PUT', '/v2/images/$image/file', 'x', { 'content-type': 'text/plain' }),
			demo.ask('PUT', '/v2/images/$image/file', 'x', { 'content-type': 'application/json' }),
			demo.upload('$formless', 'x'),
			demo.get('/v2/images/$formless'),
			demo.upload('$missing', 'x'),
			alt.upload('$image', 'x'),
			reader.upload('$image', 'x'),
			demo.get('/v2/images/$image'),
			demo.upload('$image', 'first'),
			demo.upload('$image', 'second'),
			demo.download('$image'),
			demo.upload('$missing', 'x', { 'content-type': 'text/plain' }),
		],
	),
	scenario(
		'upload by the administrator, download by a member',
		[52, 106],
		[
			keep('image', demo.post('/v2/images', UPLOADABLE)),
			admin.upload('$image', 'from the administrator'),
			demo.post('/v2/images/$image/members', { member: '$alt' }),
			alt.download('$image'),
			alt.put('/v2/images/$image/members/$alt', { status: 'rejected' }),
			alt.download('$image'),
			demo.delete('/v2/images/$image/members/$alt'),
			alt.download('$image'),
		],
	),
	scenario(
		'ranges',
		[61, 62],
		[
			keep('image', demo.post('/v2/images', UPLOADABLE)),
			demo.download('$image', { range: 'bytes=0-4' }),
			demo.upload('$image', '0123456789'),
			...RANGES.map((range) => demo.download('$image', { range })),
			...CONTENT_RANGES.map((range) => demo.download('$image', { 'content-range': range })),
		],
	),
	scenario(
		'virtual size',
		[68],
		[
			keep('image', demo.post('/v2/images', { disk_format: 'qcow2', container_format: 'bare' })),
			demo.upload('$image', qcow2(16 * 1024 * 1024)),
			demo.get('/v2/images/$image'),
			keep('raw', demo.post('/v2/images', UPLOADABLE)),
			demo.upload('$raw', new Uint8Array(2048)),
			demo.get('/v2/images/$raw'),
		],
	),
];

/** An empty image: header of version 2, one cluster for each of the tables. */
function qcow2(virtualSize: number): Buffer {
	const image = Buffer.alloc(4 * 65_536);
	image.write('QFI\xfb', 0, 'latin1');
	image.writeUInt32BE(2, 4);
	image.writeUInt32BE(16, 20);
	image.writeBigUInt64BE(BigInt(virtualSize), 24);
	image.writeUInt32BE(1, 36);
	image.writeBigUInt64BE(196_608n, 40);
	image.writeBigUInt64BE(65_536n, 48);
	image.writeUInt32BE(1, 56);
	image.writeBigUInt64BE(131_072n, 65_536);
	for (let cluster = 0; cluster < 4; cluster++) image.writeUInt16BE(1, 131_072 + 2 * cluster);
	return image;
}
