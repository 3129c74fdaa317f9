/**
 * What image networks share: a network as two graphs and its sizes, the model that runs them, and sessions that execute it for a batch of
 * pictures. Knows no architecture; may import {@code runtime}, {@code checkpoint} and the tensor module. Adding an architecture: a package
 * with a config and a class that describes a {@link dev.gatun.models.vision.VisionNetwork}, one line in {@code task.classify}.
 */
package dev.gatun.models.vision;
