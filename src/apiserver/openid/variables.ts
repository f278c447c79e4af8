import { cel } from '#api';

/** What expressions about a token may name: `claims`, anything by name. */
export const claimVariables: Readonly<Record<string, cel.CelType>> = {
  claims: cel.mapType(cel.stringType, cel.dynType),
};

const field = (type: cel.CelType): cel.CelField => ({ type, optional: true });
const texts = cel.listType(cel.stringType);

/** What expressions about the user that was made of it may name: `user`, as in a TokenReview. */
export const userVariables: Readonly<Record<string, cel.CelType>> = {
  user: cel.objectType(
    'kubernetes.UserInfo',
    new Map([
      ['username', field(cel.stringType)],
      ['uid', field(cel.stringType)],
      ['groups', field(texts)],
      ['extra', field(cel.mapType(cel.stringType, texts))],
    ]),
  ),
};
