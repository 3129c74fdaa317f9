/** Micrometer's meters over what Gatun computes in this process. */
package dev.gatun.micrometer;
