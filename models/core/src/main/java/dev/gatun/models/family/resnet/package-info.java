/** Residual networks (He et al. 2015). May import {@code vision}, {@code weights} and the tensor module. */
package dev.gatun.models.family.resnet;
