import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { isAllowed, pathMatches } from '#identity/access-rules.ts';

describe('access rules', () => {
	it('match a path as a whole', () => {
		const table: readonly (readonly [pattern: string, path: string, matches: boolean])[] = [
			['/v2/images', '/v2/images', true],
			['/v2/images', '/v2/images/', false],
			['/v2/images', '/v2/image', false],
			['/v2/images', '/v2/images/a', false],
			['/v2/images/*', '/v2/images/a', true],
			['/v2/images/*', '/v2/images/', false],
			['/v2/images/*', '/v2/images/a/file', false],
			['/v2/images/{image_id}', '/v2/images/a', true],
			['/v2/images/{image_id}/file', '/v2/images/a/file', true],
			['/v2/images/{image_id}/file', '/v2/images/a/b/file', false],
			['/v2/images/{}', '/v2/images/a', true],
			['/v2/**', '/v2/images/a/file', true],
			['/v2/**', '/v2/', true],
			['/v2/**/file', '/v2/images/a/file', true],
			['/v2/**/file', '/v2/images/a/files', false],
			['/**', '/v2', true],
			['/v2/i*s', '/v2/images', true],
			['/v2/i*s', '/v2/is', false],
			['/v2/***', '/v2/a', true],
			['/v2.images', '/v2/images', false],
			['/v2/(a|b)', '/v2/a', false],
			['/v2/a+', '/v2/aa', false],
			['/v2/{images', '/v2/images', true],
			['', '', true],
			['', '/', false],
		];
		for (const [pattern, path, matches] of table) assert.equal(pathMatches(pattern, path), matches, `${pattern} ${path}`);
	});

	it('agree with the expression that keystonemiddleware makes of a pattern', () => {
		const pieces = fc.constantFrom('a', 'b', '/', '*', '**', '{x}', '{', '}');
		const text = fc.array(fc.constantFrom('a', 'b', '/'), { maxLength: 8 }).map((each) => each.join(''));
		fc.assert(
			fc.property(fc.array(pieces, { maxLength: 8 }), text, (parts, path) => {
				const pattern = parts.join('');
				assert.equal(pathMatches(pattern, path), expressionOf(pattern).test(path), `${pattern} ${path}`);
			}),
			{ numRuns: 3000 },
		);
	});

	it('cost no more than their length, whoever wrote them', () => {
		const pattern = `/${'**a'.repeat(74)}`;
		assert.equal(pathMatches(pattern, `/${'a'.repeat(16_000)}b`), false);
	});

	it('name the service and the method, exactly', () => {
		const rules = [{ service: 'image', method: 'GET', path: '/v2/images' }];
		const request = { method: 'GET', path: '/v2/images' };
		assert.equal(isAllowed(rules, 'image', request), true);
		assert.equal(isAllowed(rules, 'compute', request), false);
		assert.equal(isAllowed(rules, 'image', { ...request, method: 'HEAD' }), false);
		assert.equal(isAllowed([], 'image', request), false);
	});
});

function expressionOf(pattern: string): RegExp {
	const pieces = pattern.matchAll(/(?<tag>\{[^}]*\})|(?<wild>\*(?=$|[^*]))|(?<deep>\*\*)|(?<literal>[^{}*])/g);
	const parts = [...pieces].map(({ groups }) => (groups?.deep ? '.*' : (groups?.literal ?? '[^/]+')));
	return new RegExp(`^${parts.join('')}$`);
}
