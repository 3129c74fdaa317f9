/**
 * Everything that is served, for people to look at: the list of all families, and the graphs of a checkpoint. Stands above the tasks and
 * is imported by the command line only. A family that is no text encoder is one line in {@link dev.gatun.models.catalog.ServedFamilies}.
 */
package dev.gatun.models.catalog;
