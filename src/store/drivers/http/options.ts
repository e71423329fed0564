/** What an operator says of an http store, by Glance's names and two of our own. */
import { readFileSync } from 'node:fs';
import { flag, list, maybeText, OptionError, parseOptions, type Read, type StoreOptions } from '#store/options.ts';

export interface HttpSettings {
	/** of certificates; PEM. Absent: the authorities that Node knows */
	readonly ca?: string;
	/** certificates are not looked at */
	readonly insecure: boolean;
	/** may be reached whatever their addresses */
	readonly trustedHosts: readonly string[];
	readonly ports: readonly number[];
}

const DEFAULT_PORTS = [80, 443];

/** A proxy would choose the address that is connected to; here the one that was looked at is. */
const noProxies: Read<undefined> = (value, name) => {
	const said = list(value, name).filter((each) => each !== '{}');
	if (said.length > 0) throw new OptionError(`option ${name}: proxies are not used by this store`);
};

const ports: Read<readonly number[]> = (value, name) => {
	const said = list(value, name);
	for (const each of said)
		if (!/^\d{1,5}$/.test(each) || Number(each) < 1 || Number(each) > 65_535)
			throw new OptionError(`option ${name}: "${each}" is no port`);
	return said.length === 0 ? DEFAULT_PORTS : said.map(Number);
};

const certificates: Read<string | undefined> = (value, name) => {
	const path = maybeText(value, name);
	if (path === undefined) return undefined;
	try {
		const pem = readFileSync(path, 'latin1');
		if (!pem.includes('-----BEGIN CERTIFICATE-----')) throw new OptionError(`option ${name}: there is no certificate in ${path}`);
		return pem;
	} catch (error) {
		if (error instanceof OptionError) throw error;
		throw new OptionError(`option ${name}: ${path} cannot be read`, { cause: error });
	}
};

const OPTIONS = {
	https_ca_certificates_file: certificates,
	https_insecure: flag(false),
	http_proxy_information: noProxies,
	http_allowed_hosts: list,
	http_allowed_ports: ports,
};

export function httpSettings(options: StoreOptions): HttpSettings {
	const {
		https_ca_certificates_file: ca,
		https_insecure,
		http_allowed_hosts,
		http_allowed_ports,
	} = parseOptions(OPTIONS, options);
	return {
		...(ca !== undefined && { ca }),
		// as in Glance, a file of authorities is stronger than the wish to look at none
		insecure: https_insecure && ca === undefined,
		trustedHosts: http_allowed_hosts,
		ports: http_allowed_ports,
	};
}
