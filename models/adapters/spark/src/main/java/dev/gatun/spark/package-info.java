/** Texts to vectors in Spark, one model for all tasks of a JVM. Imports {@code models.task} and Spark SQL. */
package dev.gatun.spark;
