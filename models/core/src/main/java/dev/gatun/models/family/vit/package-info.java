/**
 * Vision Transformers: ViT and DeiT as transformers writes them. Imports {@code vision}, {@code encode}, {@code layer} and
 * {@code checkpoint}.
 */
package dev.gatun.models.family.vit;
