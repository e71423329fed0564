/** A request as identities see it. */
import type { Credentials } from '#identity/ports.ts';

export type SentHeaders = Readonly<Record<string, string | readonly string[]>>;

export function credentials(headers: SentHeaders = {}, overrides: Partial<Credentials> = {}): Credentials {
	const lines = (name: string) => [headers[name] ?? []].flat();
	return {
		// as Node joins them
		header: (name) => (headers[name] === undefined ? undefined : lines(name).join(', ')),
		lines,
		method: 'GET',
		path: '/v2/images',
		remoteAddress: '127.0.0.1',
		signal: new AbortController().signal,
		...overrides,
	};
}
