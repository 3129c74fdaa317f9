/**
 * A service that embeds texts over HTTP, with requests that come at random: everything runs in the engine's process, the client too.
 */
package dev.gatun.bench.service;
