import { KiB } from '#lib/sizes.ts';

export const HELLO_PROTOCOL = '/sundog/hello/1';
export const MAX_HELLO_BYTES = 16 * KiB;
export const MAX_CERTIFICATE_CHARS = 4 * KiB;
export const MAX_TOKEN_CHARS = 512;
/** A stranger has one conversation; a member may repeat hello while another is ending. */
export const MAX_HELLO_STREAMS = 2;
