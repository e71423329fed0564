/**
 * Why nothing comes from the web. `invalid`: it would not be asked, or its answer cannot be taken; `unavailable`: nobody
 * answers; `timeout`. Messages are safe to show to a client: no credentials, no query, no address that a name led to.
 */
export class WebError extends Error {
	override readonly name = 'WebError';
	readonly code: 'invalid' | 'unavailable' | 'timeout';

	constructor(code: WebError['code'], message: string, options?: ErrorOptions) {
		super(message, options);
		this.code = code;
	}
}
