#include "printing.h"

#include <cstdio>
#include <fstream>
#include <iterator>

namespace {

// A name or a text with a tab or a line feed in it would break the lines of the output.
std::string on_one_line(const std::string& text) {
  std::string line;
  for (const char character : text) {
    switch (character) {
      case '\t': line += "\\t"; break;
      case '\n': line += "\\n"; break;
      case '\r': line += "\\r"; break;
      default: line += character;
    }
  }
  return line;
}

bool load_file(const char* path, std::string& content) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return false;
  content.assign(std::istreambuf_iterator<char>(file), {});
  return !file.bad();
}

}  // namespace

int print_readings(int num_paths, char** paths,
                   const std::function<Reading(const std::string&)>& read) {
  int exit_status = 0;
  for (int index = 0; index < num_paths; ++index) {
    std::string content;
    Reading reading;
    // A folder can be opened, and reading it throws in some libraries.
    try {
      if (load_file(paths[index], content)) {
        reading = read(content);
      } else {
        reading.status = "no such file";
      }
    } catch (const std::ios_base::failure&) {
      reading.status = "no file that can be read";
    }
    if (reading.status != kOk) exit_status = 1;
    std::printf("%s\t%s\t%.4f\t%s\n", on_one_line(paths[index]).c_str(),
                on_one_line(reading.text).c_str(), static_cast<double>(reading.confidence),
                reading.status.c_str());
    std::fflush(stdout);
  }
  return exit_status;
}
