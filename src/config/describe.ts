/** The effective settings for people and logs: every secret replaced by the fact that there is one. */
import type { Config } from './config.ts';

const HIDDEN = '(set)';

/** Of every member with such a name, wherever it stands. A transport URL has a password inside. */
const SECRETS: readonly string[] = ['join', 'adminToken', 'password', 'secret'];
const isTransport = (path: string) => path === 'notifications.amqp.url';

export function describeConfig(config: Config): object {
	return hide('', config) as object;
}

function hide(path: string, value: unknown): unknown {
	if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
	return Object.fromEntries(
		Object.entries(value).map(([name, inner]) => {
			const at = path === '' ? name : `${path}.${name}`;
			return [name, SECRETS.includes(name) || isTransport(at) ? HIDDEN : hide(at, inner)];
		}),
	);
}
