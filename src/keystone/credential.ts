/** What the node says of itself to Keystone. Identity API v3, "Authentication and token management". */
import { ImageError } from '#domain/errors.ts';

export type Credential =
	| {
			readonly kind: 'password';
			readonly username: Name;
			readonly password: string;
			/** of a user given by id it is not sent */
			readonly userDomain: Name;
			readonly project: Name;
			/** of a project given by id it is not sent */
			readonly projectDomain: Name;
	  }
	| { readonly kind: 'application-credential'; readonly id: string; readonly secret: string };

/** Keystone finds users, projects and domains by either. */
export type Name = { readonly name: string } | { readonly id: string };

export type Scope = 'project' | 'system';

/** The body that asks for a token of this scope. */
export function loginBody(credential: Credential, scope: Scope): object {
	if (credential.kind === 'password') {
		const user = { ...within(credential.username, credential.userDomain), password: credential.password };
		const project = within(credential.project, credential.projectDomain);
		return {
			auth: {
				identity: { methods: ['password'], password: { user } },
				scope: scope === 'system' ? { system: { all: true } } : { project },
			},
		};
	}
	// its scope is that of its project, always
	if (scope === 'system') throw new ImageError('unavailable', 'an application credential cannot speak for the whole system');
	const { id, secret } = credential;
	return { auth: { identity: { methods: ['application_credential'], application_credential: { id, secret } } } };
}

function within(name: Name, domain: Name): object {
	return 'id' in name ? name : { ...name, domain };
}
