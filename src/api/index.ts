export type { Conflict, FieldManager } from './apply/apply.ts';
export { ApplyError, createFieldManager, describeKind } from './apply/apply.ts';
export type { ManageOptions, Manager, OtherVersion } from './apply/context.ts';
export type { FieldSet } from './apply/field-set.ts';
export type { Overlay } from './apply/overlay.ts';
export { createOverlay } from './apply/overlay.ts';
export type { ReplicasPath } from './apply/scale-fields.ts';
export { fromScaleOwners, toScaleOwners } from './apply/scale-fields.ts';
export * as cel from './cel/index.ts';
export type { Behaviours } from './create-scheme.ts';
export { createScheme, schemeOf } from './create-scheme.ts';
export type { CustomKind, CustomVersion, ScalePaths } from './custom/index.ts';
export * as custom from './custom/index.ts';
export { createCustomJudge, createCustomKinds, isCustomKind, pruneUnknown } from './custom/index.ts';
export type { BodyFormat, Decoded, Decoder, FieldValidation, RawText } from './decode.ts';
export { createDecoder, DecodeError, parseBodySteps, parseYamlBody } from './decode.ts';
export {
  aggregatedDiscovery,
  apiGroup,
  apiGroupList,
  apiResourceList,
  apiVersions,
  compareVersions,
  groupsOf,
} from './discovery.ts';
export { parseJsonSteps } from './json-steps.ts';
export { describeJsonProblem } from './json-syntax.ts';
export { jsonBytesSteps, jsonTextSteps } from './json-text.ts';
export type { Column, FieldError, KindBehaviour, KindContext, KindUser } from './kind.ts';
export type { ExpressionVariables } from './kinds/admissionregistration/expressions.ts';
export { admissionRequestType, webhookConditionVariables } from './kinds/admissionregistration/expressions.ts';
export type {
  CompiledExpression,
  PolicyCompiler,
  PolicyCompilerOptions,
} from './kinds/admissionregistration/policy-expressions.ts';
export {
  annotationTypes,
  applyConfigurationType,
  compileExpression,
  conditionTypes,
  createPolicyCompiler,
  jsonPatchType,
} from './kinds/admissionregistration/policy-expressions.ts';
export { validateDefinition, validateDefinitionUpdate } from './kinds/apiextensions/definition-rules.ts';
export { autoscalerToV1, autoscalerToV2 } from './kinds/autoscaling/conversion.ts';
export { scaleColumns } from './kinds/autoscaling/scale.ts';
export { mandatoryLevels, mandatorySchemas } from './kinds/flowcontrol/mandatory.ts';
export type { MetadataOptions } from './kinds/index.ts';
export { behaviours, validateMetadata, validateMetadataUpdate } from './kinds/index.ts';
export { checkLabel, checkSubdomain } from './kinds/name-rules.ts';
export type { QosClass } from './kinds/qos.ts';
export { qosClassOf } from './kinds/qos.ts';
export { matchesNodeSelector, matchesNodeTerm, matchesPodNodeSelector } from './node-selector.ts';
export type { Document } from './openapi/assemble.ts';
export { assemble, toDocument } from './openapi/assemble.ts';
export type { KnownDocument, OpenApi, OpenApiOptions } from './openapi/documents.ts';
export { createOpenApi } from './openapi/documents.ts';
export type { Descriptions } from './openapi/schema.ts';
export type { Pace } from './pace.ts';
export { createPace, TooLong } from './pace.ts';
export { applyJsonPatch, jsonPatchSteps, PatchError } from './patch/json.ts';
export { applyMergePatch, mergePatchInto } from './patch/merge.ts';
export { applyStrategicPatch } from './patch/strategic.ts';
export {
  addQuantities,
  canonicalQuantity,
  compareQuantities,
  formatNano,
  isQuantity,
  quantityToMilli,
  quantityToNano,
  quantityToNumber,
} from './quantity.ts';
export type { Re2 } from './regex.ts';
export { compileRe2, RegexError } from './regex.ts';
export type { KubeList, KubeObject, Resource, UnknownObject } from './resource.ts';
export { apiVersionOf, groupResourceOf } from './resource.ts';
export * as resources from './resources.ts';
export type { FieldNode, Kind, Scheme, Subresource, TypeNode, Verb } from './scheme.ts';
export type { FieldRequirement, LabelRequirement } from './selectors.ts';
export {
  compileRequirements,
  matchesLabelSelector,
  parseFieldSelector,
  parseLabelSelector,
  SelectorError,
} from './selectors.ts';
export type { IncludeObject, TableOptions } from './table.ts';
export { toTable } from './table.ts';
export type { TaintLike } from './tolerations.ts';
export { tolerates, untolerated } from './tolerations.ts';
export type * from './types.ts';
