/** The three messages of hello. docs/peer-protocol.md §4 */
import { type Refusal, refusalFields, refusalFrom } from '#exchange/refusals.ts';
import { assertOnly, decodeFields, encodeFields, malformed, optionalTextField, textField } from '#exchange/wire.ts';
import { MAX_CERTIFICATE_CHARS, MAX_TOKEN_CHARS } from './constants.ts';

/** The dialler's proof: its certificate, or a one-time token for a first one. */
export type Greeting =
	| { readonly type: 'greeting'; readonly certificate: string }
	| { readonly type: 'greeting'; readonly token: string };

/** The listener's proof, with a certificate for the dialler when there is a new one for it. */
export interface Welcome {
	readonly type: 'welcome';
	readonly certificate: string;
	readonly issued?: string;
}

/** Either side ends the conversation and the connection with it. */
export interface Refused {
	readonly type: 'refused';
	readonly refusal: Refusal;
}

/** The dialler has checked the welcome; with a certificate for the listener when there is a new one for it. */
export interface Settled {
	readonly type: 'settled';
	readonly issued?: string;
}

export type HelloMessage = Greeting | Welcome | Refused | Settled;

export function encodeHello(message: HelloMessage): Uint8Array {
	if (message.type !== 'refused') return encodeFields({ ...message });
	return encodeFields({ type: message.type, ...refusalFields(message.refusal) });
}

export function decodeHello(bytes: Uint8Array): HelloMessage {
	const fields = decodeFields(bytes);
	const issued = optionalTextField(fields, 'issued', MAX_CERTIFICATE_CHARS);
	switch (fields.type) {
		case 'greeting': {
			assertOnly(fields, ['type', 'certificate', 'token']);
			const certificate = optionalTextField(fields, 'certificate', MAX_CERTIFICATE_CHARS);
			const token = optionalTextField(fields, 'token', MAX_TOKEN_CHARS);
			if (certificate !== undefined && token === undefined) return { type: 'greeting', certificate };
			if (token !== undefined && certificate === undefined) return { type: 'greeting', token };
			throw malformed('greeting', 'has not exactly one proof');
		}
		case 'welcome':
			assertOnly(fields, ['type', 'certificate', 'issued']);
			return {
				type: 'welcome',
				certificate: textField(fields, 'certificate', MAX_CERTIFICATE_CHARS),
				...(issued !== undefined && { issued }),
			};
		case 'settled':
			assertOnly(fields, ['type', 'issued']);
			return { type: 'settled', ...(issued !== undefined && { issued }) };
		case 'refused':
			assertOnly(fields, ['type', 'code', 'reason']);
			return { type: 'refused', refusal: refusalFrom(fields) };
		default:
			throw malformed('type', 'is not one of hello');
	}
}
