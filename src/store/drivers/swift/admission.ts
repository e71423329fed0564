import { ImageError } from '#domain/errors.ts';

/** What a login gives. */
export interface Admission {
	readonly token: string;
	/** of the account, without a slash at the end: https://swift/v1/AUTH_1f2e */
	readonly storageUrl: string;
	readonly project: { readonly id: string; readonly name: string };
	/** milliseconds that are left of the token, by the clock of who gave it */
	readonly lifeMs: number;
}

/** An address of the account that an answer names. */
export function storageAddress(said: unknown): string {
	const url = typeof said === 'string' && URL.canParse(said) ? new URL(said) : undefined;
	if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '' || url.hash !== '')
		throw new ImageError('store-failed', 'the address that swift is said to have is none');
	return url.href.replace(/\/+$/, '');
}
