/** Cost limits of Kubernetes 1.36 (apiserver pkg/apis/cel/config.go; apiextensions validation). One unit is about 50 ns of cel-go on a server CPU. */
export const perCallLimit = 1_000_000;
/** All rules of one custom resource, or of one policy binding. */
export const runtimeCostBudget = 10_000_000;
/** All matchConditions of one webhook or policy binding. */
export const matchConditionsCostBudget = 2_500_000;
/** The estimate of one rule of a CRD. */
export const staticEstimatedCostLimit = 10_000_000;
/** The sum of estimates of a CRD. */
export const staticEstimatedCrdCostLimit = 100_000_000;
/** What a messageExpression may yield, bytes. */
export const maxMessageExpressionBytes = 5 * 1024;
/** Size bounds of estimates follow from the largest request. */
export const maxRequestBytes = 3 * 1024 * 1024;
/** Code points of an expression (cel-go's default). */
export const maxExpressionLength = 100_000;
/** Depth of nesting (cel-go's default). */
export const maxRecursionDepth = 250;
/** Nodes of an expression after its macros are expanded: optMap repeats what it is called on, so that a chain of n of them has 2^n parts. */
export const maxExpressionNodes = 50_000;
/**
 * Units of work that an evaluation may do beside what its cost says (code points walked, elements compared deeply, patterns tried): 20 to 100 ns each. Here, where others
 * wait: 40 ms.
 */
export const workLimitHere = 600_000;
/** In a thread, or under a pace: well below a second. */
export const workLimitApart = 10_000_000;
