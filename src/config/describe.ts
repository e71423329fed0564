/** The effective settings for people and logs: every secret replaced by the fact that there is one. */
import type { Config, StoreSpec } from './config.ts';
import { shownOption } from './store-secrets.ts';

const HIDDEN = '(set)';

/** Of every member with such a name, wherever it stands. A transport URL has a password inside. */
const SECRETS: readonly string[] = ['join', 'adminToken', 'password', 'secret'];
const isTransport = (path: string) => path === 'notifications.amqp.url';

export function describeConfig(config: Config): object {
	const { stores } = config;
	return { ...(hide('', config) as object), stores: { ...stores, specs: stores.specs.map(hideOptions) } };
}

function hideOptions(spec: StoreSpec): StoreSpec {
	const shown = Object.entries(spec.options).map(([name, value]) => [
		name,
		typeof value === 'string' ? shownOption(name, value) : value.map((each) => shownOption(name, each)),
	]);
	return { ...spec, options: Object.fromEntries(shown) };
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
