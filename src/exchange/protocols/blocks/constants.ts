import { KiB, MiB } from '#lib/sizes.ts';

export const BLOCKS_PROTOCOL = '/sundog/blocks/1';
/** open, accepted and refused */
export const MAX_OPEN_FRAME_BYTES = 4 * KiB;
export const MAX_ROOT_CHARS = 128;
/** one slot holds one block of any content that may be served */
export const MAX_BLOCK_BYTES = MiB;
export const REQUEST_BYTES = 8;
export const ANSWER_HEADER_BYTES = 12;
export const DIGEST_BYTES = 32;
/** digests in one manifest answer: 1 MiB of them */
export const DIGESTS_PER_PAGE = 32_768;
/** what is handed to the muxer at once; small enough to stay in the processor's cache on both sides */
export const PIECE_BYTES = 128 * KiB;
