/**
 * Blocks that families share, described as layers of a graph: Transformer sublayers, encoders with what varies between them as parameters.
 * Knows no checkpoint: a family reads its config into a spec and finds the weights by their names. Imports the tensor module only.
 */
package dev.gatun.models.layer;
