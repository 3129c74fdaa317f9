/**
 * Pictures: decoding over ImageIO, upright RGB, resizing as Pillow does it, normalized planes off-heap. Imports no model.
 */
package dev.gatun.models.image;
