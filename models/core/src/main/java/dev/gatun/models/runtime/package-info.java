/**
 * What runs every family: a {@link dev.gatun.models.runtime.Program} owns weights and plans, a {@link dev.gatun.models.runtime.Session}
 * activations and states, {@link dev.gatun.models.runtime.Workers} the threads that compute for callers of any kind. Knows no model;
 * imports the tensor module only.
 */
package dev.gatun.models.runtime;
