/** Pages that name files must not outlive them. */
import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { EXIT } from '#cli/exit-codes.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const pages = globSync('{*.md,docs/**/*.md}', { cwd: ROOT }).sort();

for (const page of pages)
	test(`every relative link of ${page} leads somewhere`, () => {
		const text = readFileSync(join(ROOT, page), 'utf8').replaceAll(/^```.*?^```/gms, '');
		const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link = '']) => link).filter((link) => !/^[a-z]+:|^#/.test(link));
		const dead = links.filter((link) => !existsSync(join(ROOT, dirname(page), link.replace(/#.*/, ''))));
		assert.deepEqual(dead, []);
	});

test('docs/operating.md names every exit code', () => {
	const text = readFileSync(join(ROOT, 'docs/operating.md'), 'utf8');
	for (const code of Object.values(EXIT)) assert.match(text, new RegExp(`^\\| ${code} \\|`, 'm'));
});
