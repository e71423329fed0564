/** Signatures put together: where certificates are looked for, in their order. Part of the composition root; it decides nothing. */
import type { Signatures } from '#domain/ports/signatures.ts';
import type { Keystone, ServiceAccess } from '#keystone/ports.ts';
import { createBarbican } from '#signatures/barbican.ts';
import { createBarbicanHttp } from '#signatures/barbican-http.ts';
import { barbicanInCatalogue } from '#signatures/barbican-place.ts';
import { createCertificateFolder } from '#signatures/certificate-folder.ts';
import type { Certificates } from '#signatures/ports.ts';
import { createSignatures } from '#signatures/signatures.ts';
import type { Surroundings } from './surroundings.ts';

/** Talks to nobody yet. */
export function openSignatures(around: Surroundings, keystone: (Keystone & ServiceAccess) | undefined): Signatures {
	const { log } = around;
	const { certificatesDir: dir } = around.config.signatures;
	const barbican = openBarbican(around, keystone);
	const certificates = [...(dir === undefined ? [] : [createCertificateFolder({ dir, log })]), ...(barbican ? [barbican] : [])];
	return createSignatures({ certificates, log });
}

function openBarbican(
	{ config, log, stack }: Surroundings,
	keystone: (Keystone & ServiceAccess) | undefined,
): Certificates | undefined {
	const settings = config.signatures.barbican;
	const place = settings && placeOf(settings, keystone);
	if (settings === undefined || place === undefined) return undefined;
	return createBarbican({
		http: stack.use(createBarbicanHttp(settings)),
		place,
		...(keystone && { access: keystone }),
		sendServiceToken: settings.serviceToken && keystone !== undefined,
		log,
	});
}

function placeOf(
	{ url, interface: which, region }: NonNullable<Surroundings['config']['signatures']['barbican']>,
	keystone: Keystone | undefined,
) {
	if (url !== undefined) return () => Promise.resolve(url);
	return (
		keystone && barbicanInCatalogue({ keystone, interface: which, ...(region !== undefined && { region }), clock: Date.now })
	);
}
