/**
 * What image networks share: compiled plans for a batch of pictures, and sessions that execute them. Knows no architecture;
 * may import {@code dev.gatun.tensor} and {@code weights}. Adding an architecture: a package with a Config and a
 * {@link dev.gatun.models.vision.VisionNetwork}, one line in {@code models.classify}.
 */
package dev.gatun.models.vision;
