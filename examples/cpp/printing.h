// What both readers do around their model: files in, lines out.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>

// What was read in one image.
struct Reading {
  std::string text;         // UTF-8; empty for an unreadable image
  float confidence = 0;     // probability of the whole text, in [0, 1]
  std::string status;       // kOk, or what is wrong with the image
};

inline constexpr char kOk[] = "ok";

// Read each file and print a line: path, text, confidence and status with tabs between.
//
// `read` gets the bytes of a file. Returns the exit status: 0, or 1 where a file could not be read.
int print_readings(int num_paths, char** paths,
                   const std::function<Reading(const std::string&)>& read);
