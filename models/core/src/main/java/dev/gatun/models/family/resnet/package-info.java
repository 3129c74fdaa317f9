/** Residual networks (He et al. 2015). Imports {@code vision}, {@code checkpoint} and the tensor module. */
package dev.gatun.models.family.resnet;
