/** Sequences that nobody would think of: any operation on a few images and a namespace, good or bad, by anybody. */
import fc from 'fast-check';
import { admin, alt, demo, reader, type Step, V20, V21 } from './step.ts';

const person = fc.constantFrom(demo, demo, demo, admin, alt, reader);
const image = fc.constantFrom('$id1', '$id2', '$id3');
const word = fc.constantFrom('red', 'green', '', 'ünï', 'a b', 'x'.repeat(256), '0');
const key = fc.constantFrom(
	'name',
	'colour',
	'shape',
	'tags',
	'visibility',
	'protected',
	'min_ram',
	'min_disk',
	'os_hidden',
	'disk_format',
	'status',
	'owner',
	'nothing',
	'k/~',
);
const value = fc.oneof(
	word,
	fc.constantFrom(null, true, false, 0, 5, -1, 2147483648, 1.5, 'private', 'shared', 'community', 'public', 'raw', 'iso'),
	fc.constantFrom([], ['one'], ['one', 'two', 'one'], [5], {}),
);

const create = fc
	.tuple(
		person,
		image,
		fc.dictionary(
			fc.constantFrom('colour', 'protected', 'min_ram', 'visibility', 'disk_format', 'tags', 'status', 'os_hidden'),
			value,
			{ maxKeys: 2 },
		),
	)
	.map(([who, id, fields]) =>
		who.post('/v2/images', { id, name: '$run', disk_format: 'raw', container_format: 'bare', tags: ['$run'], ...fields }),
	);

const change21 = fc.record({ op: fc.constantFrom('add', 'replace', 'replace', 'remove', 'test'), path: key.map(pointer), value });
const change20 = fc
	.tuple(fc.constantFrom('add', 'replace', 'remove'), key, value)
	.map(([op, path, to]) => ({ [op]: pointer(path), value: to }));
const patch = fc.oneof(
	fc
		.tuple(person, image, fc.array(change21, { maxLength: 3 }))
		.map(([who, id, changes]) => who.patch(`/v2/images/${id}`, changes, V21)),
	fc
		.tuple(person, image, fc.array(change20, { maxLength: 2 }))
		.map(([who, id, changes]) => who.patch(`/v2/images/${id}`, changes, V20)),
);

const tag = fc.constantFrom('one', 'two', 'a%20b', 'x'.repeat(256));
const others = fc.oneof(
	fc.tuple(person, image).map(([who, id]) => who.get(`/v2/images/${id}`)),
	fc.tuple(person, image).map(([who, id]) => who.delete(`/v2/images/${id}`)),
	fc.tuple(person, image, fc.constantFrom('0123456789', 'other', 'x')).map(([who, id, bytes]) => who.upload(id, bytes)),
	fc.tuple(person, image).map(([who, id]) => who.download(id)),
	fc
		.tuple(person, image, fc.constantFrom('bytes=2-4', 'bytes=-1', 'bytes=7-'))
		.map(([who, id, range]) => who.download(id, { range })),
	fc.tuple(person, image, tag).map(([who, id, name]) => who.put(`/v2/images/${id}/tags/${name}`)),
	fc.tuple(person, image, tag).map(([who, id, name]) => who.delete(`/v2/images/${id}/tags/${name}`)),
	fc
		.tuple(person, image, fc.constantFrom('deactivate', 'reactivate'))
		.map(([who, id, action]) => who.post(`/v2/images/${id}/actions/${action}`)),
);

const member = fc.constantFrom('$alt', '$demo', 'somebody');
const sharing = fc.oneof(
	fc.tuple(person, image, member).map(([who, id, name]) => who.post(`/v2/images/${id}/members`, { member: name })),
	fc.tuple(person, image).map(([who, id]) => who.get(`/v2/images/${id}/members`)),
	fc
		.tuple(person, image, member, fc.constantFrom('accepted', 'rejected', 'pending', 'maybe'))
		.map(([who, id, name, status]) => who.put(`/v2/images/${id}/members/${name}`, { status })),
	fc.tuple(person, image, member).map(([who, id, name]) => who.delete(`/v2/images/${id}/members/${name}`)),
);

/** Always in an order that ends with the id: what was made within one second is in no order that both servers know. */
const BY_ID = '&sort=id:asc';
const query = fc.constantFrom(
	BY_ID,
	...['&visibility=all', '&os_hidden=true', '&member_status=all', '&status=active', '&protected=true', '&colour=red'].map(
		(filter) => filter + BY_ID,
	),
	'&sort=status,name:asc,id:asc',
	'&limit=1&sort=size:asc,id:asc',
	`&marker=$id2${BY_ID}`,
);
const list = fc.tuple(person, query).map(([who, text]) => who.get(`/v2/images?tag=$run${text}`));

const NS = '/v2/metadefs/namespaces';
const space = fc.constantFrom('$run-a', '$run-b');
const definitions = fc.oneof(
	fc
		.tuple(fc.constantFrom(admin, admin, demo), space, fc.constantFrom('public', 'private'))
		.map(([who, name, visibility]) => who.post(NS, { namespace: name, visibility })),
	fc.tuple(person, space).map(([who, name]) => who.get(`${NS}/${name}`)),
	fc.tuple(fc.constantFrom(admin, demo), space, space).map(([who, name, to]) => who.put(`${NS}/${name}`, { namespace: to })),
	fc.tuple(fc.constantFrom(admin, demo), space).map(([who, name]) => who.delete(`${NS}/${name}`)),
	fc.tuple(fc.constantFrom(admin, alt), space, tag).map(([who, name, text]) => who.post(`${NS}/${name}/tags/${text}`)),
	fc
		.tuple(fc.constantFrom(admin, alt), space, word)
		.map(([who, name, text]) => who.post(`${NS}/${name}/properties`, { name: text, title: 'T', type: 'string' })),
);

/** Begins with an image that all can play with, and ends with a look at everything. */
export const sequences: fc.Arbitrary<readonly Step[]> = fc
	.array(
		fc.oneof(
			{ weight: 3, arbitrary: create },
			{ weight: 5, arbitrary: patch },
			{ weight: 9, arbitrary: others },
			{ weight: 4, arbitrary: sharing },
			{ weight: 2, arbitrary: list },
			{ weight: 3, arbitrary: definitions },
		),
		{ minLength: 10, maxLength: 30 },
	)
	.map((steps) => [FIRST, ...steps, ...LAST]);

const FIRST = demo.post('/v2/images', {
	id: '$id1',
	name: 'first',
	disk_format: 'raw',
	container_format: 'bare',
	tags: ['$run'],
});
const LAST: readonly Step[] = [
	...['$id1', '$id2', '$id3'].map((id) => admin.get(`/v2/images/${id}`)),
	admin.get(`/v2/images?tag=$run&visibility=all${BY_ID}`),
	...['$run-a', '$run-b'].map((name) => admin.get(`${NS}/${name}`)),
];

function pointer(name: string): string {
	return `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
