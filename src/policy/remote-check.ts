/** `http:` and `https:` checks: a server of the operator's decides. oslo.policy, "Generic Checks" and `[oslo_policy] remote_*`. */
import type { JsonObject } from './evaluate.ts';

export interface RemoteQuestion {
	readonly rule: string;
	readonly target: JsonObject;
	readonly credentials: JsonObject;
}

/** Rejects when there is no answer: none in time, none at all, an error of the network. */
export type RemoteCheck = (url: string, question: RemoteQuestion, signal: AbortSignal) => Promise<boolean>;

/** As oslo.policy. */
const TIMEOUT_MS = 60_000;
/** `"True"` and room for white space; nothing longer allows. */
const MAX_ANSWER_BYTES = 64;

/** The answer is yes for the body `True`, in quotes or without, whatever the status. Redirects are not followed: the question holds credentials. */
export function createRemoteCheck({ timeoutMs = TIMEOUT_MS } = {}): RemoteCheck {
	return async (url, { rule, target, credentials }, signal) => {
		const form = { rule: JSON.stringify(rule), target: JSON.stringify(target), credentials: JSON.stringify(credentials) };
		const response = await fetch(url, {
			method: 'POST',
			body: new URLSearchParams(form),
			redirect: 'manual',
			signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
		});
		return (await shortText(response)).replace(/^"+/, '').replace(/"+$/, '') === 'True';
	};
}

async function shortText({ body }: Response): Promise<string> {
	const chunks: Uint8Array[] = [];
	let size = 0;
	for await (const chunk of body ?? []) {
		chunks.push(chunk);
		size += chunk.length;
		if (size > MAX_ANSWER_BYTES) break;
	}
	return Buffer.concat(chunks).toString('utf8');
}
