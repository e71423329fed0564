/**
 * C 53, 73-82, 93, 98-100: several stores. fast (the default) and slow are of files, web is of http and takes nothing;
 * `other` is one more that takes images. `$pages` is a web server whose pages under /held wait until somebody lets them go.
 */
import {
	admin,
	after,
	alt,
	type Condition,
	demo,
	keep,
	reader,
	type Scenario,
	type Step,
	scenario,
	until,
	withHeaders,
} from '../step.ts';

export interface StoresAround {
	/** id of a store that takes images beside fast and slow, or one of these */
	readonly other: string;
	/** Takes an image's object away behind the back of both servers; of file stores. */
	lose(store: string, image: string): Promise<void>;
	/** Answers what has been asked of the page, and what will be. */
	letGo(page: string): void;
}

/** For who reads titles and rows alone. */
export const NO_STORES: StoresAround = { other: 'slow', lose: async () => {}, letGo() {} };

const UPLOADABLE = { disk_format: 'raw', container_format: 'bare' };
const OCTETS = { 'content-type': 'application/octet-stream' };
const DIRECT = { method: { name: 'glance-direct' } };
const COPY = { method: { name: 'copy-image' } };
const BYTES = '0123456789';

const made = keep('image', demo.post('/v2/images', UPLOADABLE));
const staged = demo.ask('PUT', '/v2/images/$image/stage', BYTES, OCTETS);
const shown = demo.get('/v2/images/$image');
const upload = (store?: string) => demo.upload('$image', BYTES, store === undefined ? {} : { 'x-image-meta-store': store });
const importing = (body: object, who = demo): Step => who.post('/v2/images/$image/import', body);
const copying = (body: object, who = admin): Step => importing({ ...COPY, ...body }, who);
const removedFrom = (store: string, who = admin): Step => who.delete(`/v2/stores/${store}/$image`);
const placing = (operations: readonly object[]): Step => admin.patch('/v2/images/$image', operations);
const deleted = admin.delete('/v2/images/$image');

/** No import goes on; and the image lies in so many stores, if that is said. */
const isOver =
	(status: string, stores?: number): Condition =>
	(json) =>
		json.status === status &&
		!('os_glance_import_task' in json) &&
		!json.os_glance_importing_to_stores &&
		(stores === undefined || (json.stores ?? '').split(',').length === stores);
const over = (stores?: number): Step => until(isOver('active', stores), shown);

/** The titles do not depend on which stores there are: they are rows of docs/glance-compatibility.md. */
export function storeScenarios(around: StoresAround): readonly Scenario[] {
	return [
		...discovered(),
		...uploads(around),
		...removals(around),
		...refusedImports(around),
		...imports(around),
		...oddImports(),
		...copies(around),
		...places(),
		...busy(around),
		...lost(around),
	];
}

function discovered(): readonly Scenario[] {
	const list = '/v2/info/stores';
	return [
		scenario(
			'stores: which there are',
			[77, 78, 99, 100],
			[
				...[demo, reader, admin].flatMap((who) => [who.get(list), who.get(`${list}/detail`)]),
				demo.post(list),
				demo.get(`${list}/nothing`),
				demo.get('/v2/info/import'),
				made,
				reader.post('/v2/images', UPLOADABLE),
			],
		),
	];
}

function uploads({ other }: StoresAround): readonly Scenario[] {
	const taking = [undefined, 'fast', 'slow', other].flatMap((store) => [
		made,
		upload(store),
		shown,
		demo.download('$image'),
		deleted,
	]);
	const refusing = ['nothing', 'web', '', 'FAST', 'fast,slow', ' fast'].flatMap((store) => [upload(store), shown]);
	const again = [undefined, 'slow', 'web', 'nothing', ''].map(upload);
	return [
		scenario('stores: uploads to one of them', [53, 159], taking),
		scenario(
			'stores: uploads that no store takes',
			[53, 159],
			[made, ...refusing, upload('slow'), ...again, shown, demo.upload('$missing', BYTES, { 'x-image-meta-store': 'nothing' })],
		),
	];
}

function removals({ other }: StoresAround): readonly Scenario[] {
	const protecting = (value: boolean) => demo.patch('/v2/images/$image', [{ op: 'replace', path: '/protected', value }]);
	return [
		scenario(
			'stores: an image without bytes is in none',
			[98],
			[
				made,
				...['fast', 'web', 'nothing'].map((store) => removedFrom(store)),
				...[demo, alt, reader].map((who) => removedFrom('fast', who)),
				...['fast', 'nothing'].flatMap((store) => [
					admin.delete(`/v2/stores/${store}/$missing`),
					admin.delete(`/v2/stores/${store}/x`),
				]),
				admin.get('/v2/stores/fast/$image'),
				admin.delete('/v2/stores/fast'),
				staged,
				removedFrom('fast'),
				shown,
			],
		),
		scenario(
			'stores: an image does not leave its only one',
			[98],
			[
				made,
				upload('fast'),
				...['slow', 'web', 'nothing', 'fast'].map((store) => removedFrom(store)),
				...[demo, alt, reader].flatMap((who) => [
					removedFrom('fast', who),
					removedFrom('slow', who),
					removedFrom('nothing', who),
				]),
				protecting(true),
				removedFrom('fast'),
				shown,
				demo.download('$image'),
			],
		),
		scenario(
			'stores: an image leaves one of them',
			[75, 98],
			[
				made,
				upload('fast'),
				copying({ stores: ['slow'] }),
				over(2),
				removedFrom('web'),
				removedFrom('nothing'),
				...[demo, alt, reader].map((who) => removedFrom('slow', who)),
				admin.post('/v2/images/$image/actions/deactivate'),
				removedFrom('slow'),
				admin.post('/v2/images/$image/actions/reactivate'),
				protecting(true),
				removedFrom('fast'),
				shown,
				removedFrom('fast'),
				demo.download('$image'),
				removedFrom('slow'),
				protecting(false),
				copying({ stores: [other === 'slow' ? 'fast' : other] }),
				over(2),
				removedFrom('slow'),
				shown,
				demo.download('$image'),
				deleted,
				removedFrom('slow'),
			],
		),
	];
}

type Body = Readonly<Record<string, unknown>>;

/** Every body with one of each, where undefined leaves the name out. */
function bodies(stores: readonly unknown[], all: readonly unknown[], must: readonly unknown[]): readonly Body[] {
	return stores.flatMap((one) =>
		all.flatMap((two) => must.map((three) => said({ stores: one, all_stores: two, all_stores_must_succeed: three }))),
	);
}

function said(body: Body): Body {
	return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
}

const FLAGS = [undefined, true, false];
const BAD_FLAGS = ['yes', 1, null];
const BAD_STORES = [['nothing'], ['fast', 'nothing'], 'fast', [5], null];

/** Each is bad in one way at least. */
function badBodies(good: readonly unknown[]): readonly Body[] {
	return [
		...bodies(BAD_STORES, FLAGS, FLAGS),
		...bodies(good, BAD_FLAGS, FLAGS),
		...bodies(good, FLAGS, BAD_FLAGS),
		...bodies(
			good.filter((stores) => stores !== undefined),
			[true],
			FLAGS,
		),
	];
}

function refusedImports({ other }: StoresAround): readonly Scenario[] {
	const good = [undefined, ['fast', other]];
	const headers = ['nothing', ''].map((store) => withHeaders({ 'x-image-meta-store': store }, importing(DIRECT)));
	const both = [{ stores: ['slow'] }, { all_stores: true }].map((body) =>
		withHeaders({ 'x-image-meta-store': 'slow' }, importing({ ...DIRECT, ...body })),
	);
	return [
		scenario(
			'stores: imports that are refused',
			[79, 80],
			[made, staged, ...badBodies(good).map((body) => importing({ ...DIRECT, ...body })), ...headers, ...both, shown],
		),
		scenario(
			'stores: copies that are refused',
			[75],
			[
				made,
				...[{}, { stores: ['slow'] }, { all_stores: true }].map((body) => copying(body)),
				staged,
				copying({ stores: ['slow'] }),
				importing(DIRECT),
				over(1),
				...badBodies([undefined, ['slow']]).map((body) => copying(body)),
				...[{}, { stores: ['fast'] }, { stores: ['slow', 'fast'] }, { stores: ['fast', 'nothing'] }].map((body) => copying(body)),
				...[demo, alt, reader].map((who) => copying({ stores: ['slow'] }, who)),
				admin.post('/v2/images/$missing/import', { ...COPY, stores: ['slow'] }),
				shown,
			],
		),
	];
}

function imports({ other }: StoresAround): readonly Scenario[] {
	const good = [
		...bodies([undefined, ['slow'], ['fast', other]], [undefined, false], FLAGS),
		...bodies([undefined], [true], FLAGS),
	];
	const taken: readonly Step[] = [
		...good.map((body) => importing({ ...DIRECT, ...body })),
		withHeaders({ 'x-image-meta-store': 'slow' }, importing(DIRECT)),
	];
	return [
		scenario(
			'stores: imports of what is staged',
			[73, 79, 80],
			taken.flatMap((step) => [made, staged, step, over(), demo.download('$image')]),
		),
		scenario(
			'stores: imports from the web',
			[74, 79, 80],
			[{}, { stores: ['fast', other] }, { all_stores: true }, { stores: ['nothing'] }].flatMap((body) => [
				made,
				importing({ method: { name: 'web-download', uri: '$pages/image' }, ...body }),
				...('stores' in body && body.stores.length === 1 ? [shown] : [over(), demo.download('$image')]),
			]),
		),
	];
}

/** Glance takes these, and then its tasks fail. */
function oddImports(): readonly Scenario[] {
	return [
		scenario(
			'stores: imports that cannot end well',
			[79],
			[
				...[['web'], ['fast', 'web'], [], {}].flatMap((stores) => [made, staged, importing({ ...DIRECT, stores })]),
				...[['web'], []].flatMap((stores) => [made, upload('fast'), copying({ stores })]),
				...[made, staged, withHeaders({ 'x-image-meta-store': 'web' }, importing(DIRECT))],
				...[made, staged, importing({ ...DIRECT, stores: ['slow', 'slow'] })],
			],
		),
	];
}

function copies({ other }: StoresAround): readonly Scenario[] {
	const there = other === 'slow' ? 2 : 3;
	return [
		scenario(
			'stores: copies to some',
			[75],
			[
				made,
				upload('fast'),
				copying({ stores: ['slow'], all_stores: false }),
				over(2),
				copying({ stores: ['slow'] }),
				copying({ stores: ['slow', 'fast'], all_stores_must_succeed: false }),
				shown,
				demo.download('$image'),
				deleted,
				made,
				upload('slow'),
				copying({ stores: ['fast'], all_stores_must_succeed: false }),
				over(2),
				shown,
			],
		),
		scenario(
			'stores: copies to all',
			[75, 80],
			[
				made,
				upload('fast'),
				copying({ all_stores: true }),
				over(there),
				copying({ all_stores: true }),
				over(there),
				demo.download('$image'),
			],
		),
	];
}

/** Bytes at a URL that a client has given. */
function places(): readonly Scenario[] {
	const page = (name: string) => ({ url: `$pages/${name}`, metadata: {} });
	const add = (name: string, at = '-') => ({ op: 'add', path: `/locations/${at}`, value: page(name) });
	return [
		scenario(
			'stores: URLs beside them',
			[75, 93, 98],
			[
				made,
				placing([add('image')]),
				shown,
				placing([add('image')]),
				placing([add('again'), add('again')]),
				placing([{ op: 'replace', path: '/locations', value: [page('image'), page('image')] }]),
				placing([{ op: 'replace', path: '/locations', value: [page('other')] }]),
				placing([{ op: 'remove', path: '/locations/0' }]),
				removedFrom('web'),
				demo.download('$image'),
				copying({ stores: ['slow'] }),
				over(2),
				placing([add('image')]),
				placing([add('image', '0')]),
				removedFrom('web'),
				shown,
				removedFrom('slow'),
				demo.download('$image'),
			],
		),
	];
}

/** While an import goes on: the page that it reads is held. */
function busy({ letGo }: StoresAround): readonly Scenario[] {
	const ANY = { ...COPY, stores: ['fast'] };
	const fetching = (page: string) =>
		importing({ method: { name: 'web-download', uri: `$pages/held/${page}` }, stores: ['slow'] });
	return [
		scenario(
			'stores: one copy at a time',
			[75, 82],
			[
				made,
				placing([{ op: 'add', path: '/locations/-', value: { url: '$pages/held/copy', metadata: {} } }]),
				copying({ stores: ['slow'] }),
				copying({ stores: ['slow'] }),
				importing(ANY, admin),
				copying({ all_stores: true }),
				copying({ stores: ['web'] }),
				copying({ stores: ['nothing'] }),
				importing(DIRECT),
				removedFrom('fast'),
				removedFrom('web'),
				after(() => letGo('copy'), over(2)),
				copying({ stores: ['slow'] }),
				demo.download('$image'),
			],
		),
		scenario(
			'stores: nothing else while an image is imported',
			[81, 82],
			[
				made,
				fetching('import'),
				until((json) => json.status === 'importing', shown),
				fetching('import'),
				importing(DIRECT),
				importing(ANY, admin),
				upload('fast'),
				staged,
				removedFrom('slow'),
				demo.download('$image'),
				after(() => letGo('import'), over(1)),
				demo.download('$image'),
			],
		),
	];
}

function lost({ lose }: StoresAround): readonly Scenario[] {
	const losing = (store: string, step: Step) => after((values) => lose(store, values.get('image') ?? ''), step);
	return [
		scenario(
			'stores: one has lost the object',
			[98],
			[
				made,
				upload('fast'),
				copying({ stores: ['slow'] }),
				over(2),
				losing('fast', demo.download('$image')),
				demo.download('$image', { range: 'bytes=2-4' }),
				shown,
				removedFrom('fast'),
				shown,
				demo.download('$image'),
				copying({ stores: ['fast'] }),
				over(2),
				demo.download('$image'),
				losing('slow', losing('slow', removedFrom('slow'))),
				shown,
				losing('fast', deleted),
			],
		),
		scenario(
			'stores: all have lost the object',
			[98],
			[made, upload('fast'), losing('fast', demo.download('$image')), removedFrom('fast'), shown, deleted],
		),
	];
}
