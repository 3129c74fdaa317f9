/** The threads on which models compute for callers of any kind. */
package dev.gatun.models.runtime;
