/**
 * Signatures of images. Whoever creates an image may say in four properties how its bytes are signed; the bytes that come
 * are then checked on their way in. Glance user guide, "Image Signature Verification"; docs/signatures.md.
 */
import type { RequestContext } from '../context.ts';

export interface Signatures {
	/**
	 * To be asked before the first byte is read: a check of the bytes that are about to come, or undefined when fewer than
	 * all four properties are there. It fetches the certificate, in the caller's name where the caller has shown a credential.
	 * Errors: `invalid` when the signature cannot be checked as the properties say, or its certificate cannot be had;
	 * `unavailable` when who keeps certificates does not answer.
	 */
	begin(properties: Readonly<Record<string, string>>, ctx: RequestContext): Promise<SignatureCheck | undefined>;
}

export interface SignatureCheck {
	/** The next bytes, in order. They are not looked at after it returns. Not to be called after `verify`. */
	feed(chunk: Uint8Array): void;
	/** After the last bytes: `invalid` when they are not what was signed. May be asked again, and says the same. */
	verify(): void;
}
