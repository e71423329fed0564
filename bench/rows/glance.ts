import { type DebianGlance, type GlanceServers, startGlance } from '../glance/debian-glance.ts';
import { type Asked, ask, meet, type Pacing, VERBS, type Verb } from '../glance/verbs.ts';
import { type Bench, percentile, type Report, type Row, type Sample, type Subject } from '../harness.ts';
import { seededCatalogue, startQuietNode } from '../seeded.ts';

const CONNECTIONS = 8;
const SECONDS = 8;
const QUICK_SECONDS = 3;

export const glanceRow: Row = {
	name: 'glance',
	about:
		"lists, shows, creates, patches and deletes next to Debian's Glance, without authentication and behind the same Keystone",
	async run(bench) {
		const { dir, sizes, report } = bench;
		const theirs = await startGlance(dir, sizes.images);
		if (typeof theirs === 'string') return report.say({ kind: 'skipped', name: 'glance', reason: theirs });
		await using servers = theirs;
		const { dataDir } = await seededCatalogue(bench, sizes.images);
		await compare(bench, 'glance', servers.open, dataDir, {}, {});
		const { env, headers } = await behindKeystone(servers);
		await compare(bench, 'glance, Keystone', servers.withKeystone, dataDir, env, headers);
	},
};

async function behindKeystone({ cloud }: GlanceServers) {
	const env = {
		SUNDOG_AUTH: 'keystone',
		SUNDOG_KEYSTONE_URL: cloud.keystone,
		SUNDOG_KEYSTONE_USERNAME: 'glance',
		SUNDOG_KEYSTONE_PASSWORD: 'glance-pw',
	};
	return { env, headers: { 'x-auth-token': await cloud.token('admin') } };
}

type Strings = Readonly<Record<string, string>>;

/** One node and one Glance, both up all along; whoever is not asked rests. */
async function compare(
	{ quick, runs, report }: Bench,
	title: string,
	glance: DebianGlance,
	dataDir: string,
	env: Strings,
	headers: Strings,
) {
	await using node = await startQuietNode(dataDir, env);
	const ours = {
		server: { url: node.http, cpuSeconds: node.cpuSeconds, peakRss: node.peakRss },
		asked: await meet(node.http, headers),
	};
	const theirs = { server: glance, asked: await meet(glance.url, headers) };
	const pacing = { connections: CONNECTIONS, seconds: quick ? QUICK_SECONDS : SECONDS, rounds: runs };
	for (const verb of VERBS) await compareVerb(report, `${title}: ${verb.name}`, verb, ours, theirs, pacing);
}

interface Side {
	readonly server: DebianGlance;
	readonly asked: Asked;
}

async function compareVerb(report: Report, title: string, verb: Verb, ours: Side, theirs: Side, pacing: Pacing): Promise<void> {
	const [sundog, glance] = [
		subjectOf(`${title}, sundog`, verb, ours, pacing),
		subjectOf(`${title}, Glance`, verb, theirs, pacing),
	];
	const [mine, other] = await report.measure([sundog, glance], pacing.rounds);
	report.ratio(title, mine, other, verb.atLeast);
	const [p99, bound] = [sundog, glance].map(({ name, waits }) =>
		report.single({ name: `${name}, p99`, unit: 'ms', about: `of all ${waits.length} requests of the ${pacing.rounds} rounds` }, [
			percentile(waits, 0.99),
		]),
	) as [ReturnType<Report['single']>, ReturnType<Report['single']>];
	report.bound(`${title}, p99 below Glance's`, p99, p99.median, { below: bound.median });
}

/** Remembers how long each request took, over all rounds. */
function subjectOf(name: string, verb: Verb, { server, asked }: Side, pacing: Pacing): Subject & { readonly waits: number[] } {
	const waits: number[] = [];
	return {
		name,
		unit: 'requests/s',
		about: `${verb.about}; ${pacing.connections} connections for ${pacing.seconds} s`,
		waits,
		async run(round): Promise<Sample> {
			asked.round = round;
			const before = server.cpuSeconds();
			const { perSecond, waits: these } = await ask(verb, asked, pacing);
			waits.push(...these);
			return {
				value: perSecond,
				cpuSeconds: server.cpuSeconds() - before,
				requests: these.length,
				peakRssBytes: server.peakRss(),
			};
		},
	};
}
