/** Accounts of Swift's, and how one logs in to them. */
import { OptionError } from '#store/options.ts';
import type { Section } from './reference-file.ts';

/** An account of the file, or the one that the options name. */
export interface Reference {
	readonly name: string;
	/** with its scheme, without a slash at the end */
	readonly authAddress: string;
	readonly login: Login;
}

export type Login =
	/** Swift's own authentication, `auth_version = 1`; `user` is `account:user` */
	| { readonly kind: 'tempauth'; readonly user: string; readonly key: string }
	/** Identity v3; `user` is Keystone's identity and scope, ready to be sent */
	| { readonly kind: 'keystone'; readonly auth: object };

type Where = (option: string) => string;

export function referenceOf(
	name: string,
	section: Readonly<Record<string, string | undefined>>,
	version: string,
	where: Where,
): Reference {
	const get = (option: string): string => {
		const value = section[option];
		if (value === undefined || value === '') throw new OptionError(`${where(option)} is needed`);
		return value;
	};
	const authAddress = address(get('auth_address'), where('auth_address'));
	if (version === '1') return { name, authAddress, login: { kind: 'tempauth', user: get('user'), key: get('key') } };
	// Glance takes version 2 for 3, as files of old clouds still say it
	if (version !== '3' && version !== '2') throw new OptionError(`${where('auth_version')} is 1 or 3`);
	const byCredential = section.application_credential_id !== undefined || section.application_credential_secret !== undefined;
	const auth = byCredential ? applicationCredential(get) : password(section as Section, get, where);
	return { name, authAddress, login: { kind: 'keystone', auth } };
}

function applicationCredential(get: (option: string) => string): object {
	const application_credential = { id: get('application_credential_id'), secret: get('application_credential_secret') };
	return { identity: { methods: ['application_credential'], application_credential } };
}

function password(section: Section, get: (option: string) => string, where: Where): object {
	const [project, name, ...more] = get('user').split(':');
	if (!project || !name || more.length > 0) throw new OptionError(`${where('user')} is "project:user"`);
	const domain = (of: string) => {
		const [id, domainName] = [section[`${of}_domain_id`], section[`${of}_domain_name`]];
		return domainName !== undefined && id === undefined ? { name: domainName } : { id: id ?? 'default' };
	};
	const user = { name, domain: domain('user'), password: get('key') };
	return {
		identity: { methods: ['password'], password: { user } },
		scope: { project: { name: project, domain: domain('project') } },
	};
}

/** Without a scheme it is https, as for Glance. */
export function address(said: string, where: string): string {
	const full = /^[a-z]+:\/\//i.test(said) ? said : `https://${said}`;
	const url = URL.canParse(full) ? new URL(full) : undefined;
	if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '' || url.hash !== '')
		throw new OptionError(`${where} is no http or https address`);
	return url.href.replace(/\/+$/, '');
}
