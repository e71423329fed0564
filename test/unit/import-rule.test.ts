/** The import rule is a table in biome.json; here it meets files that break it, so that it cannot fall silent unnoticed. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const BIOME = join(ROOT, 'node_modules/.bin/biome');
const SOURCE = join(ROOT, 'src');

const copy = mkdtempSync(join(tmpdir(), 'sundog-import-rule-'));
before(() => cpSync(join(ROOT, 'biome.json'), join(copy, 'biome.json')));
after(() => rmSync(copy, { recursive: true }));

/** Lines of the file that the rule refuses. */
function refusedLines(path: string, lines: readonly string[]): readonly number[] {
	const file = join(copy, path);
	mkdirSync(dirname(file), { recursive: true });
	writeFileSync(file, lines.join('\n'));
	const args = ['lint', '--only=style/noRestrictedImports', '--reporter=json', '--max-diagnostics=none', path];
	const { stdout, status, error } = spawnSync(BIOME, args, { cwd: copy, encoding: 'utf8' });
	assert.ok(error === undefined && (status === 0 || status === 1), `biome ended with ${status}`);
	const { diagnostics } = JSON.parse(stdout) as {
		readonly diagnostics: readonly { readonly location: { readonly start: { readonly line: number } } }[];
	};
	return [...new Set(diagnostics.map(({ location }) => location.start.line))].sort((a, b) => a - b);
}

const forbidden: Readonly<Record<string, readonly string[]>> = {
	'src/lib/x.ts': ["import '#domain/image.ts';", "import type {} from '#config/config.ts';", "import 'pino';"],
	'src/domain/x.ts': [
		"import '#content/ports.ts';",
		"import '#http/app.ts';",
		"import 'node:fs';",
		"import '../node.ts';",
		"export * from 'zod';",
	],
	'src/domain/layers/x.ts': ["import '../../store/driver.ts';", "await import('#catalogue/ports.ts');"],
	'src/config/x.ts': ["import '#domain/image.ts';", "import '#cli/serve.ts';", "import 'commander';"],
	'src/catalogue/x.ts': ["import 'classic-level';", "import '#content/ports.ts';", "import '#exchange/ports.ts';"],
	'src/catalogue/level/x.ts': ["import 'hono';", "import '#store/driver.ts';"],
	'src/content/x.ts': ["import '#store/drivers/filesystem.ts';", "import '#catalogue/ports.ts';", "import 'libp2p';"],
	'src/store/x.ts': ["import '#content/ports.ts';", "import '#http/app.ts';", "import '@aws-sdk/client-s3';"],
	'src/store/drivers/s3/x.ts': ["import '#content/ports.ts';", "import 'hono';"],
	'src/store/drivers/x.ts': ["import 'koffi';"],
	'src/store/drivers/rbd/x.ts': ["import '#content/ports.ts';", "import 'hono';"],
	'src/fleet/x.ts': ["import '#exchange/host.ts';", "import '@libp2p/peer-id';"],
	'src/http/x.ts': [
		"import '#content/content-store.ts';",
		"import '#exchange/host.ts';",
		"import 'libp2p';",
		"import '#cli/serve.ts';",
	],
	'src/exchange/x.ts': [
		"import '#content/content-store.ts';",
		"import '#http/app.ts';",
		"import '#store/driver.ts';",
		"import 'hono';",
	],
	'src/identity/x.ts': ["import '#keystone/keystone.ts';", "import '#http/app.ts';", "import '#config/config.ts';"],
	'src/keystone/x.ts': ["import '#identity/ports.ts';", "import '#config/config.ts';", "import 'undici';"],
	'src/key-manager/x.ts': ["import '#keystone/keystone.ts';", "import '#signatures/ports.ts';", "import 'undici';"],
	'src/signatures/x.ts': [
		"import '#key-manager/barbican.ts';",
		"import '#keystone/ports.ts';",
		"import '#content/ports.ts';",
		"import 'jose';",
	],
	'src/policy/x.ts': ["import 'ini';", "import '#config/config.ts';", "import '#identity/identity.ts';"],
	'src/inspection/x.ts': ["import '#content/ports.ts';", "import '#imports/index.ts';", "import 'gpt';"],
	'src/cli/x.ts': ["import '#node.ts';", "import '#http/app.ts';", "import '#content/ports.ts';"],
	'src/node.ts': ["import 'hono';", "import 'libp2p';", "import 'classic-level';"],
};

const allowed: Readonly<Record<string, readonly string[]>> = {
	'src/domain/layers/x.ts': [
		"import './y.ts';",
		"import '../image.ts';",
		"import '#domain/ports/policy.ts';",
		"import '#lib/log.ts';",
	],
	'src/catalogue/level/x.ts': ["import 'classic-level';", "import '../records.ts';", "import 'node:fs/promises';"],
	'src/content/x.ts': ["import '#store/driver.ts';", "import 'multiformats/cid';"],
	'src/store/drivers/s3/x.ts': ["await import('@aws-sdk/client-s3');", "import '#store/driver.ts';", "import './y.ts';"],
	'src/store/drivers/rbd/x.ts': ["import 'koffi';", "import '#lib/sizes.ts';", "import '../half-made.ts';"],
	'src/http/v2/x.ts': [
		"import 'hono';",
		"import 'hono/http-exception';",
		"import '#content/ports.ts';",
		"import '../problems.ts';",
	],
	'src/exchange/protocols/blocks/x.ts': ["import '@libp2p/tcp';", "import '#content/ports.ts';", "import '#exchange/host.ts';"],
	'src/signatures/x.ts': ["import '#key-manager/ports.ts';", "import '#lib/uuid.ts';"],
	'src/policy/x.ts': ["import 'yaml';", "import '#domain/context.ts';", "import 'node:fs/promises';"],
	'src/node.ts': ["import '#http/app.ts';", "import '#catalogue/level/store.ts';", "import 'node:path';"],
};

for (const [path, lines] of Object.entries(forbidden))
	test(`${path} may not import ${lines.map((line) => line.match(/'(.*)'/)?.[1]).join(', ')}`, () => {
		assert.deepEqual(
			refusedLines(path, lines),
			lines.map((_, index) => index + 1),
		);
	});

for (const [path, lines] of Object.entries(allowed))
	test(`${path} may import ${lines.map((line) => line.match(/'(.*)'/)?.[1]).join(', ')}`, () => {
		assert.deepEqual(refusedLines(path, lines), []);
	});

test('every folder of src/ has a row in the table', () => {
	const { overrides } = JSON.parse(readFileSync(join(ROOT, 'biome.json'), 'utf8')) as {
		readonly overrides: readonly { readonly includes: readonly string[] }[];
	};
	const ruled = overrides.flatMap(({ includes }) => includes);
	const folders = readdirSync(SOURCE, { withFileTypes: true }).filter((entry) => entry.isDirectory());
	for (const { name } of folders) assert.ok(ruled.includes(`src/${name}/**`), `src/${name}/ is not in biome.json`);
});
