/* version: what --version prints and the User-Agent carries. */
#ifndef MR_BASE_VERSION_H
#define MR_BASE_VERSION_H

#define MR_VERSION "0.1.0"

#endif
