/**
 * The one list of what is served. Imports families and tasks; imported by the command line only. A new family is one line in
 * {@link dev.gatun.models.registry.ServedFamilies}.
 */
package dev.gatun.models.registry;
