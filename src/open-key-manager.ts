/** The key manager put together: where Barbican is, and who speaks to it. Part of the composition root; it decides nothing. */
import { createBarbican } from '#key-manager/barbican.ts';
import { createBarbicanHttp } from '#key-manager/barbican-http.ts';
import { barbicanInCatalogue } from '#key-manager/barbican-place.ts';
import type { KeyManager } from '#key-manager/ports.ts';
import type { Keystone, ServiceAccess } from '#keystone/ports.ts';
import type { Surroundings } from './surroundings.ts';

/** Undefined: there is none. Talks to nobody yet. */
export function openKeyManager(
	{ config: { barbican }, stack }: Pick<Surroundings, 'config' | 'stack'>,
	keystone: (Keystone & ServiceAccess) | undefined,
): KeyManager | undefined {
	const place = barbican && placeOf(barbican, keystone);
	if (barbican === undefined || place === undefined) return undefined;
	return createBarbican({
		http: stack.use(createBarbicanHttp(barbican)),
		place,
		...(keystone && { access: keystone }),
		sendServiceToken: barbican.serviceToken,
	});
}

function placeOf(
	{ url, interface: which, region }: NonNullable<Surroundings['config']['barbican']>,
	keystone: Keystone | undefined,
) {
	if (url !== undefined) return () => Promise.resolve(url);
	return (
		keystone && barbicanInCatalogue({ keystone, interface: which, ...(region !== undefined && { region }), clock: Date.now })
	);
}
