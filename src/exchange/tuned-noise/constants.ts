import { KiB } from '#lib/sizes.ts';

/** Noise: length of a transport message and of the tag at its end */
export const LENGTH_BYTES = 2;
export const TAG_BYTES = 16;
export const MAX_MESSAGE_BYTES = 65_535;
/**
 * Plaintext of the messages sent. Half of what Noise allows: a receiver reads 64 KiB from its socket at once, so messages
 * of the full size would straddle two reads every time and have to be put together.
 */
export const PLAIN_BYTES = 32 * KiB;
/** Pieces smaller than this are gathered into one message; larger ones are sealed from where they lie. */
export const GATHER_BYTES = 2 * KiB;
export const SEALED_BYTES = LENGTH_BYTES + PLAIN_BYTES + TAG_BYTES;
/** One write to the socket: eight full messages and what was gathered between them. */
export const SLOT_BYTES = 8 * SEALED_BYTES + 4 * KiB;
/** slots that wait to be used again, all connections together */
export const MAX_IDLE_SLOTS = 32;
/** the same of buffers for messages that straddle two reads */
export const MAX_IDLE_PARTS = 64;
/** Above so much unsent the senders are told to wait; below that much they go on. */
export const HIGH_WATER_BYTES = 1024 * KiB;
export const LOW_WATER_BYTES = 512 * KiB;
/** Counters stay where every implementation can follow (js-libp2p counts to 2^32 - 1); then a new connection is due. */
export const MAX_COUNTER = 0xffff_ffff;
