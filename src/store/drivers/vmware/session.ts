/**
 * A session of the vSphere API: logged in when it is needed, again when the server has forgotten it, out at the end. Its cookie
 * opens the datastores' files too. Neither it nor the password is ever part of a message.
 */
import { codeOf, ImageError } from '#domain/errors.ts';
import { singleFlight } from '#lib/single-flight.ts';
import { MiB } from '#lib/sizes.ts';
import { statusError } from './folder.ts';
import { envelope, neededRef, type Ref, readAnswer, SERVICE_INSTANCE, SOAP_ACTION, textXml } from './soap.ts';
import { readText, type Transport } from './transport.ts';
import { childOf, type XmlElement } from './xml.ts';

export interface SessionOptions {
	readonly user: string;
	readonly password: string;
	/** how often one call may need a new login */
	readonly retryCount: number;
}

export interface Session extends AsyncDisposable {
	readonly services: Services;
	/** One call; gives `<MethodResponse>`. */
	call(method: string, receiver: Ref, parameters: string, signal: AbortSignal): Promise<XmlElement>;
	/** Work that needs the cookie. When it throws `unauthenticated` it is done again, with a new one. */
	asUser<T>(work: (cookie: string) => Promise<T>, signal: AbortSignal): Promise<T>;
}

/** The singletons of a server that a store speaks to. */
export interface Services {
	readonly propertyCollector: Ref;
	readonly sessionManager: Ref;
	readonly searchIndex: Ref;
	readonly fileManager: Ref;
}

const ANSWER_LIMIT_BYTES = MiB;
const LOGIN_MS = 30_000;
const LOGOUT_MS = 5_000;

export async function openSession(transport: Transport, options: SessionOptions, signal: AbortSignal): Promise<Session> {
	const flights = singleFlight<string>();
	let held: string | undefined;

	async function exchange(method: string, receiver: Ref, parameters: string, cookie: string | undefined, within: AbortSignal) {
		const body = envelope(method, receiver, parameters);
		const headers = {
			'content-type': 'text/xml; charset=utf-8',
			'content-length': Buffer.byteLength(body),
			soapaction: SOAP_ACTION,
			...(cookie !== undefined && { cookie }),
		};
		const response = await transport.ask({ method: 'POST', path: '/sdk', headers, body }, within);
		const text = await readText(response, ANSWER_LIMIT_BYTES, within);
		// a fault comes with 500, in XML
		if (response.statusCode !== 200 && response.statusCode !== 500) throw statusError(response.statusCode);
		return { element: readAnswer(method, text), cookies: response.headers['set-cookie'] };
	}

	const services = readServices((await exchange('RetrieveServiceContent', SERVICE_INSTANCE, '', undefined, signal)).element);

	async function login(): Promise<string> {
		const parameters = textXml('userName', options.user) + textXml('password', options.password);
		const within = AbortSignal.timeout(LOGIN_MS);
		try {
			const { cookies } = await exchange('Login', services.sessionManager, parameters, undefined, within);
			const cookie = cookies?.map((each) => each.split(';')[0]!).find((each) => each.startsWith('vmware_soap_session='));
			if (cookie === undefined) throw new ImageError('store-failed', 'the server gives no session');
			held = cookie;
			return cookie;
		} catch (error) {
			throw within.aborted ? new ImageError('unavailable', 'the server does not answer to a login') : error;
		}
	}

	const asUser: Session['asUser'] = async (work, within) => {
		for (let turn = 0; ; turn += 1) {
			const cookie = held ?? (await flights('login', within, login));
			try {
				return await work(cookie);
			} catch (error) {
				if (codeOf(error) !== 'unauthenticated') throw error;
				// another call may have a new one already
				if (held === cookie) held = undefined;
				if (turn >= options.retryCount) throw new ImageError('forbidden', 'the server takes no session of the user');
			}
		}
	};

	await flights('login', signal, login);
	return {
		services,
		asUser,
		call: (method, receiver, parameters, within) =>
			asUser(async (cookie) => (await exchange(method, receiver, parameters, cookie, within)).element, within),
		async [Symbol.asyncDispose]() {
			const cookie = held;
			held = undefined;
			if (cookie === undefined) return;
			// a session that is not ended here ends by itself when it has been idle
			await exchange('Logout', services.sessionManager, '', cookie, AbortSignal.timeout(LOGOUT_MS)).catch(() => undefined);
		},
	};
}

function readServices(answer: XmlElement): Services {
	const content = childOf(answer, 'returnval');
	const service = (name: string) => neededRef(childOf(content, name), name);
	return {
		propertyCollector: service('propertyCollector'),
		sessionManager: service('sessionManager'),
		searchIndex: service('searchIndex'),
		fileManager: service('fileManager'),
	};
}
