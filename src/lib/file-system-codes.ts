/** What the file system's refusals mean in the house's error codes; other errno are nobody's answer to a client. */
export const FILE_SYSTEM_CODES = {
	ENOSPC: 'full',
	EDQUOT: 'full',
	EFBIG: 'full',
	EACCES: 'write-denied',
	EPERM: 'write-denied',
	EROFS: 'write-denied',
} as const;
