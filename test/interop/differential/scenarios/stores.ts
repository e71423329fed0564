/** Several stores: fast (the default) and slow are of files, web is of http, and `other` is one more that takes images. */
import { type Condition, admin as client, keep, type Scenario, type Step, scenario, until, withHeaders } from '../step.ts';

const UPLOADABLE = { disk_format: 'raw', container_format: 'bare' };
const OCTETS = { 'content-type': 'application/octet-stream' };
const DIRECT = { method: { name: 'glance-direct' } };
const COPY = { method: { name: 'copy-image' } };
const WEB = { method: { name: 'web-download', uri: '$pages/image' } };

const made = keep('image', client.post('/v2/images', UPLOADABLE));
const staged = client.ask('PUT', '/v2/images/$image/stage', '0123456789', OCTETS);
const shown = client.get('/v2/images/$image');
const upload = (store?: string) =>
	client.upload('$image', '0123456789', store === undefined ? {} : { 'x-image-meta-store': store });
const importing = (body: object): Step => client.post('/v2/images/$image/import', body);
const removedFrom = (store: string): Step => client.delete(`/v2/stores/${store}/$image`);

/** No import goes on; and the image lies in so many stores, if that is said. */
const isOver =
	(status: string, stores?: number): Condition =>
	(json) =>
		json.status === status &&
		!('os_glance_import_task' in json) &&
		!json.os_glance_importing_to_stores &&
		(stores === undefined || (json.stores ?? '').split(',').length === stores);
const over = (stores?: number): Step => until(isOver('active', stores), shown);

export function storeScenarios(other: string): readonly Scenario[] {
	return [...discovered(), ...uploads(other), ...removals(other), ...imports(other), ...copies(other)];
}

function discovered(): readonly Scenario[] {
	const list = '/v2/info/stores';
	return [
		scenario(
			'stores: which there are',
			[],
			[client.get(list), client.get(`${list}/detail`), client.post(list), client.get(`${list}/nothing`), client.get('/v2/info/import')],
		),
	];
}

function uploads(other: string): readonly Scenario[] {
	return [undefined, 'fast', 'slow', other, 'nothing', 'web', '', 'FAST', 'fast,slow'].map((store) =>
		scenario(
			`stores: upload to ${store === undefined ? 'the default' : `"${store}"`}`,
			[],
			[made, upload(store), shown, client.download('$image'), removedFrom('fast'), client.delete('/v2/images/$image')],
		),
	);
}

function removals(other: string): readonly Scenario[] {
	return [
		scenario(
			'stores: an image leaves one of them',
			[],
			[
				made,
				removedFrom('fast'),
				removedFrom('nothing'),
				client.delete('/v2/stores/fast/$missing'),
				client.delete('/v2/stores/nothing/$missing'),
				client.get('/v2/stores/fast/$image'),
				upload('fast'),
				removedFrom('slow'),
				removedFrom('web'),
				removedFrom('nothing'),
				removedFrom('fast'),
				importing({ ...COPY, stores: ['slow', other] }),
				over(3),
				removedFrom('web'),
				client.post('/v2/images/$image/actions/deactivate'),
				removedFrom('slow'),
				client.post('/v2/images/$image/actions/reactivate'),
				client.patch('/v2/images/$image', [{ op: 'replace', path: '/protected', value: true }]),
				removedFrom('fast'),
				shown,
				removedFrom('fast'),
				client.download('$image'),
				removedFrom('slow'),
				removedFrom(other),
				shown,
				client.download('$image'),
			],
		),
	];
}

const REFUSED: readonly object[] = [
	{ stores: ['nothing'] },
	{ stores: ['web'] },
	{ stores: ['fast', 'nothing'] },
	{ stores: 'fast' },
	{ stores: [5] },
	{ stores: ['fast'], all_stores: true },
	{ all_stores: 'yes' },
	{ all_stores_must_succeed: 'no' },
];

function imports(other: string): readonly Scenario[] {
	const taken: readonly [what: string, body: object, headers?: Record<string, string>][] = [
		['the default', {}],
		['no store', { stores: [] }],
		['one', { stores: ['slow'] }],
		['two', { stores: ['fast', other] }],
		['one, twice', { stores: ['slow', 'slow'] }],
		['all', { all_stores: true }],
		['what may fail', { stores: ['slow', other], all_stores_must_succeed: false }],
		['the one of the header', {}, { 'x-image-meta-store': 'slow' }],
		['body and header', { stores: ['slow'] }, { 'x-image-meta-store': 'fast' }],
	];
	return [
		scenario(
			'stores: imports that are refused',
			[],
			[made, staged, ...REFUSED.map((body) => importing({ ...DIRECT, ...body })), shown],
		),
		...taken.map(([what, body, headers = {}]) =>
			scenario(
				`stores: import to ${what}`,
				[],
				[made, staged, withHeaders(headers, importing({ ...DIRECT, ...body })), over(), client.download('$image')],
			),
		),
		...([{}, { stores: ['slow', other] }, { stores: ['nothing'] }] as const).map((body) =>
			scenario(
				`stores: from the web ${JSON.stringify(body)}`,
				[],
				'stores' in body && body.stores[0] === 'nothing'
					? [made, importing({ ...WEB, ...body }), shown]
					: [made, importing({ ...WEB, ...body }), over(), client.download('$image')],
			),
		),
	];
}

function copies(other: string): readonly Scenario[] {
	return [
		scenario(
			'stores: copies',
			[],
			[
				made,
				importing({ ...COPY, stores: ['slow'] }),
				upload('fast'),
				...REFUSED.map((body) => importing({ ...COPY, ...body })),
				importing({ ...COPY, stores: ['fast'] }),
				importing({ ...COPY, stores: ['slow', 'fast'] }),
				over(),
				importing({ ...COPY, stores: [other], all_stores_must_succeed: false }),
				over(),
				client.download('$image'),
			],
		),
		scenario(
			'stores: copies to all',
			[],
			[made, upload('fast'), importing({ ...COPY, all_stores: true }), over(), importing({ ...COPY, all_stores: true }), over()],
		),
		scenario('stores: a copy to nowhere', [], [made, upload('fast'), importing(COPY), over(), importing({ ...COPY, stores: [] }), over()]),
	];
}
