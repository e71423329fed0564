/** Debian's clients against one server, each command as one of the people (driver.py). */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Person, ReferenceCloud } from '../../support/reference.ts';

/** Debian's: python3 of a version manager lacks Debian's packages. */
const PYTHON = '/usr/bin/python3';
const PEOPLE: readonly Person[] = ['admin', 'demo', 'alt', 'reader'];

export interface Outcome {
	readonly code: number;
	readonly out: string;
	readonly err: string;
}

export interface Clients extends AsyncDisposable {
	/** files of the commands */
	readonly dir: string;
	run(person: Person, argv: readonly string[], input: string | null): Promise<Outcome>;
	/** names of the files in `dir` with digests of what is in them */
	files(): Promise<Readonly<Record<string, string>>>;
}

export async function startClients(cloud: ReferenceCloud, imageUrl: string): Promise<Clients> {
	const home = await mkdtemp(join(tmpdir(), 'sundog-clients-'));
	const dir = join(home, 'files');
	await mkdir(dir);
	await writeFile(join(dir, 'ten'), '0123456789');
	const clouds = join(home, 'clouds.yaml');
	await writeFile(
		clouds,
		JSON.stringify({
			clouds: Object.fromEntries(PEOPLE.map((person) => [person, cloudOf(cloud.environment(person), imageUrl)])),
		}),
	);
	const driver = spawn(PYTHON, [join(import.meta.dirname, 'driver.py')], {
		// glanceclient keeps the schemas of servers in the home of its user
		env: {
			PATH: process.env.PATH,
			HOME: home,
			COLUMNS: '200',
			OS_CLIENT_CONFIG_FILE: clouds,
			PYTHONWARNINGS: 'ignore',
			LC_ALL: 'C.UTF-8',
		},
		cwd: home,
		stdio: ['pipe', 'pipe', 'inherit'],
	});
	const exited = new Promise((resolve) => driver.once('exit', resolve));
	const answers = createInterface({ input: driver.stdout })[Symbol.asyncIterator]();
	return {
		dir,
		async run(person, argv, input) {
			const env = argv[0] === 'openstack' ? { OS_CLOUD: person } : { ...cloud.environment(person), OS_IMAGE_URL: imageUrl };
			driver.stdin.write(`${JSON.stringify({ argv, input, env })}\n`);
			const { value, done } = await answers.next();
			if (done) throw new Error('the driver of the clients has ended');
			return JSON.parse(value);
		},
		async files() {
			const names = (await readdir(dir)).sort();
			const digests = names.map(async (name) =>
				createHash('sha256')
					.update(await readFile(join(dir, name)))
					.digest('hex'),
			);
			return Object.fromEntries((await Promise.all(digests)).map((digest, n) => [names[n], digest]));
		},
		async [Symbol.asyncDispose]() {
			driver.stdin.end();
			await exited;
			await rm(home, { recursive: true, force: true });
		},
	};
}

/** YAML of clouds.yaml, in its JSON subset. */
function cloudOf(env: Readonly<Record<string, string>>, imageUrl: string): object {
	return {
		auth: {
			auth_url: env.OS_AUTH_URL,
			username: env.OS_USERNAME,
			password: env.OS_PASSWORD,
			project_name: env.OS_PROJECT_NAME,
			user_domain_name: env.OS_USER_DOMAIN_NAME,
			project_domain_name: env.OS_PROJECT_DOMAIN_NAME,
		},
		region_name: env.OS_REGION_NAME,
		image_endpoint_override: imageUrl,
	};
}
