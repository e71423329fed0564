/** Options of stores that nobody should see, by what their names end in: passwords, keys, proxies with a password in their URL. */
const SECRET = /(^|_)(key|password|secret|token|proxy_information)$/;

export function isSecretOption(name: string): boolean {
	return SECRET.test(name);
}

/** As it may be shown: a URL without whoever's credential stands in it. */
export function shownOption(name: string, value: string): string {
	return isSecretOption(name) ? '(set)' : value.replaceAll(/\/\/[^/\s]*@/g, '//(set)@');
}
