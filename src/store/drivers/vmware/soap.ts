/** The calls of the vSphere Web Services API that a store needs, as texts: vim25 over SOAP 1.1. */
import { type ErrorCode, ImageError } from '#domain/errors.ts';
import { childOf, escapeXml, readXml, type XmlElement, XmlError } from './xml.ts';

/** A managed object reference. */
export interface Ref {
	readonly type: string;
	readonly id: string;
}

export const SERVICE_INSTANCE: Ref = { type: 'ServiceInstance', id: 'ServiceInstance' };

/** The oldest version of the API that this speaks; a newer server understands it. */
export const SOAP_ACTION = 'urn:vim25/6.5';

export function refXml(tag: string, { type, id }: Ref): string {
	return `<${tag} type="${escapeXml(type)}">${escapeXml(id)}</${tag}>`;
}

export function textXml(tag: string, text: string): string {
	return `<${tag}>${escapeXml(text)}</${tag}>`;
}

export function envelope(method: string, receiver: Ref, parameters: string): string {
	return (
		'<?xml version="1.0" encoding="UTF-8"?>' +
		'<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body>' +
		`<${method} xmlns="urn:vim25">${refXml('_this', receiver)}${parameters}</${method}>` +
		'</Body></Envelope>'
	);
}

/** `<MethodResponse>` of an answer. A fault is thrown in the house's codes. */
export function readAnswer(method: string, text: string): XmlElement {
	const body = childOf(parse(text), 'Body');
	const fault = childOf(body, 'Fault');
	if (fault !== undefined) {
		const detail = childOf(fault, 'detail')?.children[0];
		throw faultError(detail === undefined ? undefined : faultName(detail));
	}
	const response = childOf(body, `${method}Response`);
	if (response === undefined) throw new ImageError('store-failed', `the server's answer to ${method} is none`);
	return response;
}

function parse(text: string): XmlElement {
	try {
		return readXml(text);
	} catch (error) {
		if (!(error instanceof XmlError)) throw error;
		throw new ImageError('store-failed', `the server's answer is no XML: ${error.message}`, { cause: error });
	}
}

/** The fault's type: by `xsi:type`, whatever the prefix is called there, or by the element's name. */
export function faultName(element: XmlElement): string {
	const typed = [...element.attributes].find(([name]) => name.endsWith(':type'))?.[1];
	const type = typed ?? element.name.replace(/Fault$/, '');
	return type.slice(type.indexOf(':') + 1);
}

const FAULTS: Readonly<Record<string, readonly [ErrorCode, string]>> = {
	NotAuthenticated: ['unauthenticated', 'the session has ended'],
	InvalidLogin: ['forbidden', 'the server refuses the user name or the password'],
	NoPermission: ['forbidden', 'the user may not do this there'],
	NoDiskSpace: ['full', 'the datastore is full'],
	FileNotFound: ['not-found', 'the file is not there'],
	FileAlreadyExists: ['conflict', 'the file exists already'],
	FileLocked: ['conflict', 'the file is in use'],
	ResourceInUse: ['conflict', 'the file is in use'],
	InaccessibleDatastore: ['unavailable', 'the datastore cannot be reached'],
	HostNotConnected: ['unavailable', 'the host is not connected'],
	HostNotReachable: ['unavailable', 'the host cannot be reached'],
	HostCommunication: ['unavailable', 'the host does not answer'],
	Timedout: ['unavailable', 'the server took too long'],
};

/** A server's own texts stay out of messages: nobody knows what they hold. */
export function faultError(name: string | undefined): ImageError {
	const known = name !== undefined && Object.hasOwn(FAULTS, name) ? FAULTS[name] : undefined;
	if (known !== undefined) return new ImageError(...known);
	const shown = name !== undefined && /^\w{1,64}$/.test(name) ? name : 'a fault without a name';
	return new ImageError('store-failed', `the server says ${shown}`);
}

export function readRef(element: XmlElement | undefined): Ref | undefined {
	const type = element?.attributes.get('type');
	return element === undefined || type === undefined || element.text === '' ? undefined : { type, id: element.text };
}

export function neededRef(element: XmlElement | undefined, what: string): Ref {
	const ref = readRef(element);
	if (ref === undefined) throw new ImageError('store-failed', `the server does not say where its ${what} is`);
	return ref;
}
