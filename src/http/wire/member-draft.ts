import { ImageError } from '#domain/errors.ts';
import { MEMBER_STATUSES, type MemberStatus } from '#domain/member.ts';
import { MAX_TEXT_LENGTH } from './attributes.ts';
import { quoted, storableText } from './texts.ts';

/** Body of "Create image member": the project to share with. Keys that are not known are ignored, as by Glance. */
export function parseMemberDraft(body: unknown): string {
	const member = storableText('member', required(body, 'member'), MAX_TEXT_LENGTH);
	if (member === '') throw new ImageError('invalid', 'member cannot be empty');
	return member;
}

/** Body of "Update image member": its answer. */
export function parseMemberStatus(body: unknown): MemberStatus {
	const value = required(body, 'status');
	const status = MEMBER_STATUSES.find((each) => each === value);
	if (status === undefined)
		throw new ImageError('invalid', `status must be one of ${MEMBER_STATUSES.join(', ')}, not ${quoted(value)}`);
	return status;
}

function required(body: unknown, key: string): unknown {
	if (typeof body !== 'object' || body === null || !Object.hasOwn(body, key))
		throw new ImageError('invalid', `the body must be a JSON object with the key ${key}`);
	return (body as Readonly<Record<string, unknown>>)[key];
}
