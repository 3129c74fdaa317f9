/**
 * CLIP and SigLIP: a text and an image tower whose vectors lie in one space. Imports {@code encode}, {@code vision}, {@code layer} and
 * {@code checkpoint}.
 */
package dev.gatun.models.family.clip;
